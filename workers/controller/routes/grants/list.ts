/** GET /grants, oldest first, of one Resource, one Service Account, person or group, or all. */
import { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import { grants } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { grant, show } from './shape.ts';

export const listGrants = adminRoute(
  {
    method: 'get',
    path: '/grants',
    tag: 'Grants',
    summary: 'List grants',
    needs: 'grants:read',
    query: pageQuery.extend({
      resource_id: z.string().optional(),
      service_account_id: z.string().optional(),
      user_id: z.string().optional(),
      group_id: z.string().optional(),
    }),
    answer: pageOf(grant),
  },
  async ({ scope, query, now }) => {
    const { resource_id: resource } = query;
    const grantee = query.service_account_id ?? query.user_id ?? query.group_id;
    const where = and(
      resource === undefined ? undefined : eq(grants.resourceId, resource as never),
      grantee === undefined ? undefined : eq(grants.granteeId, grantee),
    );
    const found = await page(scope, grants, query, where);
    if (!found.ok) return found;
    return answer({ items: found.rows.map((row) => show(row, now)), next_cursor: found.next_cursor });
  },
);
