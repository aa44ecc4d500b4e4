/** DELETE /Groups/{id}, with its grants. */
import { eq } from 'drizzle-orm';
import { grants, groupMembers, groups } from '#schema/db/tables.ts';
import { Change } from '../../change.ts';
import { refuseScim, scimRoute, staleMatch } from '../answer.ts';

export const deleteGroup = scimRoute(async (ask) => {
  const { scope } = ask;
  const row = await scope.byId(groups, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such group.');
  const stale = staleMatch(ask.c, row.version);
  if (stale) return stale;
  const members = await scope.select(groupMembers, { where: eq(groupMembers.groupId, row.id) });
  await new Change(ask)
    .write(
      scope.delete(grants, eq(grants.granteeId, row.id)),
      scope.delete(groupMembers, eq(groupMembers.groupId, row.id)),
      scope.delete(groups, eq(groups.id, row.id)),
    )
    .audit('delete', 'group', row.id, { before: { name: row.name, members: members.length } })
    .floor(...members.map(({ userId }) => userId))
    .commit({ body: undefined });
  return { ok: true, status: 204 };
});
