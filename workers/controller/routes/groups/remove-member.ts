/** DELETE /groups/{id}/members/{user_id}: what they had by the group alone is taken at once. */
import { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import { groupMembers, groups } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { synced } from './shape.ts';

export const removeGroupMember = adminRoute(
  {
    method: 'delete',
    path: '/groups/{id}/members/{user_id}',
    tag: 'People',
    summary: 'Take a person out of a group',
    needs: 'groups:write',
    params: idPath.extend({ user_id: z.string().max(64) }),
    refuses: ['managed_elsewhere'],
  },
  async (ask) => {
    const { scope, params } = ask;
    const row = await scope.byId(groups, params.id);
    if (!row) return absent('group', params.id);
    const refusal = synced(row);
    if (refusal) return refusal;
    const pair = and(eq(groupMembers.groupId, row.id), eq(groupMembers.userId, params.user_id as never))!;
    const held = await scope.find(groupMembers, pair);
    if (!held) return absent('member', params.user_id);
    return new Change(ask)
      .write(scope.delete(groupMembers, pair))
      .audit('remove_member', 'group', row.id, { before: { user_id: held.userId } })
      .floor(held.userId)
      .commit({ body: undefined });
  },
);
