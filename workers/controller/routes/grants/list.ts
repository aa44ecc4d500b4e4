/** GET /grants, oldest first, of one Resource or one Service Account or all. */
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
    }),
    answer: pageOf(grant),
  },
  async ({ scope, query, now }) => {
    const { resource_id: resource, service_account_id: account } = query;
    const where = and(
      eq(grants.granteeKind, 'service_account'),
      resource === undefined ? undefined : eq(grants.resourceId, resource as never),
      account === undefined ? undefined : eq(grants.granteeId, account),
    );
    const found = await page(scope, grants, query, where);
    if (!found.ok) return found;
    return answer({ items: found.rows.map((row) => show(row, now)), next_cursor: found.next_cursor });
  },
);
