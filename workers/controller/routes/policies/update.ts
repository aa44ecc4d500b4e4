/**
 * PATCH /policies/{id}. What it now withholds is withheld at once: Client ACLs of people from before are void.
 * `is_default: true` makes it the Tenant's default in place of the one that was; to have none, delete that.
 */
import { z } from '@hono/zod-openapi';
import { eq } from 'drizzle-orm';
import { policies } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { canonicalRules, peopleOnDevices, policy, show, writable } from './shape.ts';

export const updatePolicy = adminRoute(
  {
    method: 'patch',
    path: '/policies/{id}',
    tag: 'Policies',
    summary: 'Change a Security Policy',
    needs: 'policies:write',
    params: idPath,
    body: someOf({ ...writable, is_default: z.literal(true) }),
    answer: policy,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const row = await scope.byId(policies, ask.params.id);
    if (!row) return absent('policy', ask.params.id);
    const checked = canonicalRules(body.rules ?? row.rules);
    if (!checked.ok) return checked;
    const changes = {
      name: body.name ?? row.name,
      rules: checked.rules,
      isDefault: body.is_default ?? row.isDefault,
      updatedAt: now,
    };
    const [before, after] = await show(scope, [row, { ...row, ...changes }]);
    const change = new Change(ask);
    if (body.is_default)
      change.write(scope.update(policies, { isDefault: false }, eq(policies.isDefault, true)));
    change
      .write(scope.update(policies, changes, eq(policies.id, row.id)))
      .audit('update', 'policy', row.id, { before, after });
    if (body.rules || body.is_default) change.floor(...(await peopleOnDevices(scope, now)));
    return change.commit({ body: after! });
  },
);
