/** POST /service-accounts: a principal without keys and without Resources. */
import { z } from '@hono/zod-openapi';
import { serviceAccounts } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import { serviceAccount, show, writable } from './shape.ts';

export const createServiceAccount = adminRoute(
  {
    method: 'post',
    path: '/service-accounts',
    tag: 'Service Accounts',
    summary: 'Create a Service Account',
    needs: 'services:write',
    body: z.strictObject({ name: writable.name, description: writable.description.default(null) }),
    answer: serviceAccount,
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const row = { id: mint(ask, 'serviceAccount'), tenantId: scope.tenantId, ...body, createdAt: now };
    const shown = (await show(ask, [row]))[0]!;
    return new Change(ask)
      .write(scope.insert(serviceAccounts, row))
      .audit('create', 'serviceAccount', row.id, { after: { id: row.id, ...body } })
      .commit({ body: shown });
  },
);
