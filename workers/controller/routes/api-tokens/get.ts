/** GET /api-tokens/{id}. */
import { apiTokens } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { apiToken, show } from './shape.ts';

export const getApiToken = adminRoute(
  {
    method: 'get',
    path: '/api-tokens/{id}',
    tag: 'API Tokens',
    summary: 'Get an API token',
    needs: 'tokens:read',
    params: idPath,
    answer: apiToken,
  },
  async ({ scope, params, now }) => {
    const row = await scope.byId(apiTokens, params.id);
    return row ? answer(show(row, now)) : absent('API token', params.id);
  },
);
