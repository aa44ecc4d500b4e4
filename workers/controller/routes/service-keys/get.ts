/** GET /service-keys/{id}: state, what it allows, last use, live instances. */
import { serviceKeys } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { serviceKey, show } from './shape.ts';

export const getServiceKey = adminRoute(
  {
    method: 'get',
    path: '/service-keys/{id}',
    tag: 'Service Keys',
    summary: 'Get a Service Key',
    needs: 'services:read',
    params: idPath,
    answer: serviceKey,
  },
  async (ask) => {
    const row = await ask.scope.byId(serviceKeys, ask.params.id);
    return row ? answer((await show(ask, [row]))[0]!) : absent('Service Key', ask.params.id);
  },
);
