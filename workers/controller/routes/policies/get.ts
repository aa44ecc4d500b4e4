/** GET /policies/{id}. */
import { policies } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { policy, show } from './shape.ts';

export const getPolicy = adminRoute(
  {
    method: 'get',
    path: '/policies/{id}',
    tag: 'Policies',
    summary: 'Get a Security Policy',
    needs: 'policies:read',
    params: idPath,
    answer: policy,
  },
  async ({ scope, params: { id } }) => {
    const row = await scope.byId(policies, id);
    return row ? answer((await show(scope, [row]))[0]!) : absent('policy', id);
  },
);
