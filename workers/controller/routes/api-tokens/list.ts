/** GET /api-tokens, oldest first; never the tokens themselves. */
import { apiTokens } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { apiToken, show } from './shape.ts';

export const listApiTokens = adminRoute(
  {
    method: 'get',
    path: '/api-tokens',
    tag: 'API Tokens',
    summary: 'List API tokens',
    needs: 'tokens:read',
    query: pageQuery,
    answer: pageOf(apiToken),
  },
  async ({ scope, query, now }) => {
    const found = await page(scope, apiTokens, query, containing(query.q, apiTokens.id, apiTokens.name));
    if (!found.ok) return found;
    return answer({ items: found.rows.map((row) => show(row, now)), next_cursor: found.next_cursor });
  },
);
