/** GET /users, oldest first. */
import { z } from '@hono/zod-openapi';
import { and, eq, sql } from 'drizzle-orm';
import { groupMembers, users } from '#schema/db/tables.ts';
import { roles } from '#schema/people/roles.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { show, user } from './shape.ts';

export const listUsers = adminRoute(
  {
    method: 'get',
    path: '/users',
    tag: 'People',
    summary: 'List people',
    needs: 'users:read',
    query: pageQuery.extend({
      active: z.stringbool().optional(),
      role: z.enum(roles).optional(),
      group_id: z.string().max(64).optional(),
    }),
    answer: pageOf(user),
  },
  async ({ scope, query }) => {
    const { q, active, role, group_id: group } = query;
    const member = sql`${users.id} in (select user_id from ${groupMembers}
      where ${and(eq(groupMembers.tenantId, scope.tenantId), eq(groupMembers.groupId, (group ?? '') as never))})`;
    const where = and(
      containing(q, users.id, users.userName, users.email, users.name),
      active === undefined ? undefined : eq(users.active, active),
      role === undefined ? undefined : eq(users.role, role),
      group === undefined ? undefined : member,
    );
    const found = await page(scope, users, query, where);
    if (!found.ok) return found;
    return answer({ items: await show(scope, found.rows), next_cursor: found.next_cursor });
  },
);
