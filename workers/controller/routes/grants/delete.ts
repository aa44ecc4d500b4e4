/** DELETE /grants/{id}: Client ACLs that still carry it are void at once, and its flows are cut. */
import { eq } from 'drizzle-orm';
import { grants } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { principalsOf, show } from './shape.ts';

export const deleteGrant = adminRoute(
  {
    method: 'delete',
    path: '/grants/{id}',
    tag: 'Grants',
    summary: 'Take a grant back',
    needs: 'grants:write',
    params: idPath,
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(grants, ask.params.id);
    if (!row) return absent('grant', ask.params.id);
    return new Change(ask)
      .write(scope.delete(grants, eq(grants.id, row.id)))
      .audit('delete', 'grant', row.id, { before: show(row, now) })
      .floor(...(await principalsOf(scope, row)))
      .commit({ body: undefined });
  },
);
