/** DELETE /resources/{id}, with its grants: whoever had one loses it at once. */
import { eq } from 'drizzle-orm';
import { grants, resources } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { principalsOf } from '../grants/shape.ts';
import { show } from './shape.ts';

export const deleteResource = adminRoute(
  {
    method: 'delete',
    path: '/resources/{id}',
    tag: 'Resources',
    summary: 'Delete a Resource and its grants',
    needs: 'resources:write',
    params: idPath,
  },
  async (ask) => {
    const { scope } = ask;
    const row = await scope.byId(resources, ask.params.id);
    if (!row) return absent('Resource', ask.params.id);
    const granted = await scope.select(grants, { where: eq(grants.resourceId, row.id) });
    const principals = await Promise.all(granted.map((grant) => principalsOf(scope, grant)));
    return new Change(ask)
      .write(
        scope.delete(grants, eq(grants.resourceId, row.id)),
        scope.delete(resources, eq(resources.id, row.id)),
      )
      .audit('delete', 'resource', row.id, { before: { ...show(row), grants: granted.length } })
      .floor(...principals.flat())
      .commit({ body: undefined });
  },
);
