/** GET /service-accounts/{id}, with its warnings. */
import { serviceAccounts } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { serviceAccount, show } from './shape.ts';

export const getServiceAccount = adminRoute(
  {
    method: 'get',
    path: '/service-accounts/{id}',
    tag: 'Service Accounts',
    summary: 'Get a Service Account and its warnings',
    needs: 'services:read',
    params: idPath,
    answer: serviceAccount,
  },
  async (ask) => {
    const row = await ask.scope.byId(serviceAccounts, ask.params.id);
    return row ? answer((await show(ask, [row]))[0]!) : absent('Service Account', ask.params.id);
  },
);
