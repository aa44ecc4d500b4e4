/** GET /scim-tokens, oldest first. */
import { scimTokens } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { scimToken, show } from './shape.ts';

export const listScimTokens = adminRoute(
  {
    method: 'get',
    path: '/scim-tokens',
    tag: 'SCIM',
    summary: 'List SCIM tokens',
    needs: 'scim:read',
    query: pageQuery,
    answer: pageOf(scimToken),
  },
  async ({ scope, query, now }) => {
    const found = await page(scope, scimTokens, query, containing(query.q, scimTokens.id, scimTokens.name));
    if (!found.ok) return found;
    return answer({ items: found.rows.map((row) => show(row, now)), next_cursor: found.next_cursor });
  },
);
