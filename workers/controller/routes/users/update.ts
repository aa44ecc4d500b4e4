/**
 * PATCH /users/{id}: name, role, and whether they may get in at all. Deactivating ends their sessions and
 * cuts their flows at once; what SCIM made is named by the identity provider alone.
 */
import { eq, sql } from 'drizzle-orm';
import { users } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { endAccess } from '../../people/end-access.ts';
import { beyondRole, lastOwner, show, user, writable } from './shape.ts';

export const updateUser = adminRoute(
  {
    method: 'patch',
    path: '/users/{id}',
    tag: 'People',
    summary: 'Change a person',
    needs: 'users:write',
    params: idPath,
    body: someOf(writable),
    answer: user,
    refuses: ['managed_elsewhere', 'last_owner'],
  },
  async (ask) => {
    const { scope, now, body, held } = ask;
    const row = await scope.byId(users, ask.params.id);
    if (!row) return absent('user', ask.params.id);
    const after = { ...row, ...body, updatedAt: now };
    if (row.source === 'scim' && after.name !== row.name)
      return refuse('managed_elsewhere', 'the identity provider names this person, by SCIM');
    const staysOwner = after.role === 'owner' && after.active;
    const refusal =
      beyondRole(held, row.role, after.role) ??
      // Nor may anybody shut out, or let in, somebody who can do more than they can.
      (after.active === row.active ? undefined : beyondRole(held, row.role, null)) ??
      (staysOwner ? undefined : await lastOwner(scope, row));
    if (refusal) return refusal;
    const [before, shown] = await show(scope, [row, after]);
    const change = new Change(ask)
      .write(
        scope.update(
          users,
          { ...body, updatedAt: now, version: sql`${users.version} + 1` },
          eq(users.id, row.id),
        ),
      )
      .audit('update', 'user', row.id, { before, after: shown });
    if (row.active && !after.active) await endAccess(change, ask, row.id);
    else if (row.active !== after.active) change.configuration();
    return change.commit({ body: shown! });
  },
);
