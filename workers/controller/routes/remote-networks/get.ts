/** GET /remote-networks/{id}. */
import { remoteNetworks } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { remoteNetwork, show } from './shape.ts';

export const getRemoteNetwork = adminRoute(
  {
    method: 'get',
    path: '/remote-networks/{id}',
    tag: 'Remote Networks',
    summary: 'Get a Remote Network',
    needs: 'networks:read',
    params: idPath,
    answer: remoteNetwork,
  },
  async ({ scope, params: { id } }) => {
    const row = await scope.byId(remoteNetworks, id);
    return row ? answer((await show(scope, [row]))[0]!) : absent('Remote Network', id);
  },
);
