/** DELETE /groups/{id}, with its grants: what its members had by it alone is taken at once. */
import { eq } from 'drizzle-orm';
import { grants, groupMembers, groups } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { show, synced } from './shape.ts';

export const deleteGroup = adminRoute(
  {
    method: 'delete',
    path: '/groups/{id}',
    tag: 'People',
    summary: 'Delete a group and its grants',
    needs: 'groups:write',
    params: idPath,
    refuses: ['managed_elsewhere'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(groups, ask.params.id);
    if (!row) return absent('group', ask.params.id);
    const refusal = synced(row);
    if (refusal) return refusal;
    const members = await scope.select(groupMembers, { where: eq(groupMembers.groupId, row.id) });
    const [before] = await show(scope, [row], now);
    return new Change(ask)
      .write(
        scope.delete(grants, eq(grants.granteeId, row.id)),
        scope.delete(groupMembers, eq(groupMembers.groupId, row.id)),
        scope.delete(groups, eq(groups.id, row.id)),
      )
      .audit('delete', 'group', row.id, { before })
      .floor(...members.map(({ userId }) => userId))
      .commit({ body: undefined });
  },
);
