/** GET /resources/{id}, with the Resources that it overlaps. */
import { resources } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { overlapsOf } from './neighbours.ts';
import { show, withOverlaps } from './shape.ts';

export const getResource = adminRoute(
  {
    method: 'get',
    path: '/resources/{id}',
    tag: 'Resources',
    summary: 'Get a Resource',
    needs: 'resources:read',
    params: idPath,
    answer: withOverlaps,
  },
  async ({ scope, params: { id } }) => {
    const row = await scope.byId(resources, id);
    return row ? answer({ ...show(row), overlaps: await overlapsOf(scope, row) }) : absent('Resource', id);
  },
);
