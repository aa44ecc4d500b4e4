/** GET /groups/{id}. Its members: GET /users?group_id=…. */
import { groups } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { group, show } from './shape.ts';

export const getGroup = adminRoute(
  {
    method: 'get',
    path: '/groups/{id}',
    tag: 'People',
    summary: 'Get a group',
    description: 'Its members: `GET /users?group_id=…`.',
    needs: 'groups:read',
    params: idPath,
    answer: group,
  },
  async ({ scope, now, params: { id } }) => {
    const row = await scope.byId(groups, id);
    return row ? answer((await show(scope, [row], now))[0]!) : absent('group', id);
  },
);
