/** POST /groups/{id}/members. Adding somebody who is in it already changes nothing. */
import { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import { groupMembers, groups, users } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { group, show, synced } from './shape.ts';

export const addGroupMember = adminRoute(
  {
    method: 'post',
    path: '/groups/{id}/members',
    tag: 'People',
    summary: 'Add a person to a group',
    needs: 'groups:write',
    params: idPath,
    body: z.strictObject({ user_id: z.string().max(64) }),
    answer: group,
    refuses: ['managed_elsewhere'],
  },
  async (ask) => {
    const { scope, now, body } = ask;
    const row = await scope.byId(groups, ask.params.id);
    if (!row) return absent('group', ask.params.id);
    const person = await scope.byId(users, body.user_id);
    if (!person) return absent('user', body.user_id);
    const refusal = synced(row);
    if (refusal) return refusal;
    const [shown] = await show(scope, [row], now);
    const pair = { groupId: row.id, userId: person.id };
    const held = and(eq(groupMembers.groupId, row.id), eq(groupMembers.userId, person.id))!;
    if (await scope.find(groupMembers, held)) return new Change(ask).commit({ body: shown! });
    return new Change(ask)
      .write(scope.insert(groupMembers, pair).onConflictDoNothing())
      .audit('add_member', 'group', row.id, { after: { user_id: person.id } })
      .configuration()
      .commit({ body: { ...shown!, members: shown!.members + 1 } });
  },
);
