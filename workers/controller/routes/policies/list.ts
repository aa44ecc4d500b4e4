/** GET /policies, oldest first. */
import { policies } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { policy, show } from './shape.ts';

export const listPolicies = adminRoute(
  {
    method: 'get',
    path: '/policies',
    tag: 'Policies',
    summary: 'List Security Policies',
    needs: 'policies:read',
    query: pageQuery,
    answer: pageOf(policy),
  },
  async ({ scope, query }) => {
    const found = await page(scope, policies, query, containing(query.q, policies.id, policies.name));
    if (!found.ok) return found;
    return answer({ items: await show(scope, found.rows), next_cursor: found.next_cursor });
  },
);
