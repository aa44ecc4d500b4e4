/** GET /connectors/{id}, with its state and the reason for it. */
import { connectors } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { connector, show } from './shape.ts';

export const getConnector = adminRoute(
  {
    method: 'get',
    path: '/connectors/{id}',
    tag: 'Connectors',
    summary: 'Get a Connector and its state',
    needs: 'connectors:read',
    params: idPath,
    answer: connector,
  },
  async (ask) => {
    const row = await ask.scope.byId(connectors, ask.params.id);
    return row ? answer((await show(ask, [row]))[0]!) : absent('Connector', ask.params.id);
  },
);
