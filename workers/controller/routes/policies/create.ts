/** POST /policies. It counts once a Resource names it, or it is made the default. */
import { z } from '@hono/zod-openapi';
import { policies } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import type { Row } from '../../scope.ts';
import { canonicalRules, policy, show, writable } from './shape.ts';

export const createPolicy = adminRoute(
  {
    method: 'post',
    path: '/policies',
    tag: 'Policies',
    summary: 'Create a Security Policy',
    needs: 'policies:write',
    body: z.strictObject(writable),
    answer: policy,
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const checked = canonicalRules(body.rules);
    if (!checked.ok) return checked;
    const row: Row<typeof policies> = {
      tenantId: scope.tenantId,
      id: mint(ask, 'policy'),
      name: body.name,
      isDefault: false,
      rules: checked.rules,
      createdAt: now,
      updatedAt: now,
    };
    const [shown] = await show(scope, [row]);
    return new Change(ask)
      .write(scope.insert(policies, row))
      .audit('create', 'policy', row.id, { after: shown })
      .commit({ body: shown! });
  },
);
