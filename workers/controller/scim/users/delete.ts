/** DELETE /Users/{id}: their access ends at once, and they are gone with grants, groups and sessions. */
import { eq } from 'drizzle-orm';
import { grants, groupMembers, userIdentities, users } from '#schema/db/tables.ts';
import { Change } from '../../change.ts';
import { endAccess } from '../../people/end-access.ts';
import { refuseScim, scimRoute, staleMatch } from '../answer.ts';
import { forgetSessions } from './forget-sessions.ts';
import { show } from './shape.ts';

export const deleteUser = scimRoute(async (ask) => {
  const { scope } = ask;
  const row = await scope.byId(users, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such user.');
  const stale = staleMatch(ask.c, row.version);
  if (stale) return stale;
  const [before] = await show(ask, [row]);
  const change = await endAccess(new Change(ask), ask, row.id);
  await change
    .write(
      scope.delete(grants, eq(grants.granteeId, row.id)),
      scope.delete(groupMembers, eq(groupMembers.userId, row.id)),
      scope.delete(userIdentities, eq(userIdentities.userId, row.id)),
      ...forgetSessions(scope, row.id),
      scope.delete(users, eq(users.id, row.id)),
    )
    .audit('delete', 'user', row.id, { before })
    .commit({ body: undefined });
  return { ok: true, status: 204 };
});
