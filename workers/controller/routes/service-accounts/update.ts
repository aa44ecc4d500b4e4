/** PATCH /service-accounts/{id}: name and description are for people alone. */
import { eq } from 'drizzle-orm';
import { serviceAccounts } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { serviceAccount, show, writable } from './shape.ts';

export const updateServiceAccount = adminRoute(
  {
    method: 'patch',
    path: '/service-accounts/{id}',
    tag: 'Service Accounts',
    summary: 'Change a Service Account',
    needs: 'services:write',
    params: idPath,
    body: someOf(writable),
    answer: serviceAccount,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, body } = ask;
    const row = await scope.byId(serviceAccounts, ask.params.id);
    if (!row) return absent('Service Account', ask.params.id);
    const before = { name: row.name, description: row.description };
    const [shown] = await show(ask, [{ ...row, ...body }]);
    return new Change(ask)
      .write(scope.update(serviceAccounts, body, eq(serviceAccounts.id, row.id)))
      .audit('update', 'serviceAccount', row.id, { before, after: { ...before, ...body } })
      .commit({ body: shown! });
  },
);
