/**
 * DELETE /users/{id}, once deactivated, with their grants, group memberships and sessions. Somebody whom SCIM
 * made is deleted at the identity provider; it would only send them again.
 */
import { eq } from 'drizzle-orm';
import {
  consoleSessions,
  grants,
  groupMembers,
  instances,
  userIdentities,
  userSessions,
  users,
} from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal } from '../../fields.ts';
import { beyondRole, show } from './shape.ts';

export const deleteUser = adminRoute(
  {
    method: 'delete',
    path: '/users/{id}',
    tag: 'People',
    summary: 'Delete a person who is deactivated',
    needs: 'users:write',
    params: idPath,
    refuses: ['managed_elsewhere', 'illegal_transition'],
  },
  async (ask) => {
    const { scope, held } = ask;
    const row = await scope.byId(users, ask.params.id);
    if (!row) return absent('user', ask.params.id);
    if (row.source === 'scim') return refuse('managed_elsewhere', 'delete them at the identity provider');
    if (row.active) return illegal('user', 'active', ['deactivate']);
    const refusal = beyondRole(held, row.role, null);
    if (refusal) return refusal;
    const [before] = await show(scope, [row]);
    return new Change(ask)
      .write(
        scope.delete(grants, eq(grants.granteeId, row.id)),
        scope.delete(groupMembers, eq(groupMembers.userId, row.id)),
        scope.delete(instances, eq(instances.principalId, row.id)),
        scope.delete(userSessions, eq(userSessions.userId, row.id)),
        scope.delete(consoleSessions, eq(consoleSessions.userId, row.id)),
        scope.delete(userIdentities, eq(userIdentities.userId, row.id)),
        scope.delete(users, eq(users.id, row.id)),
      )
      .audit('delete', 'user', row.id, { before })
      .floor(row.id)
      .commit({ body: undefined });
  },
);
