/** GET /users/{id}. */
import { users } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { show, user } from './shape.ts';

export const getUser = adminRoute(
  {
    method: 'get',
    path: '/users/{id}',
    tag: 'People',
    summary: 'Get a person',
    needs: 'users:read',
    params: idPath,
    answer: user,
  },
  async ({ scope, params: { id } }) => {
    const row = await scope.byId(users, id);
    return row ? answer((await show(scope, [row]))[0]!) : absent('user', id);
  },
);
