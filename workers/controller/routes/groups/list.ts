/** GET /groups, oldest first. */
import { z } from '@hono/zod-openapi';
import { and, eq, sql } from 'drizzle-orm';
import { groupMembers, groups } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { group, show } from './shape.ts';

export const listGroups = adminRoute(
  {
    method: 'get',
    path: '/groups',
    tag: 'People',
    summary: 'List groups',
    needs: 'groups:read',
    query: pageQuery.extend({
      user_id: z.string().max(64).optional().openapi({ description: 'Only groups that they are in.' }),
    }),
    answer: pageOf(group),
  },
  async ({ scope, query, now }) => {
    const { q, user_id: user } = query;
    const having = sql`${groups.id} in (select group_id from ${groupMembers}
      where ${and(eq(groupMembers.tenantId, scope.tenantId), eq(groupMembers.userId, (user ?? '') as never))})`;
    const where = and(containing(q, groups.id, groups.name), user === undefined ? undefined : having);
    const found = await page(scope, groups, query, where);
    if (!found.ok) return found;
    return answer({ items: await show(scope, found.rows, now), next_cursor: found.next_cursor });
  },
);
