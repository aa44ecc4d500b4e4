/** GET /grants/{id}. */
import { grants } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { grant, show } from './shape.ts';

export const getGrant = adminRoute(
  {
    method: 'get',
    path: '/grants/{id}',
    tag: 'Grants',
    summary: 'Get a grant',
    needs: 'grants:read',
    params: idPath,
    answer: grant,
  },
  async ({ scope, params, now }) => {
    const row = await scope.byId(grants, params.id);
    return row ? answer(show(row, now)) : absent('grant', params.id);
  },
);
