/** GET /identity-providers/{id}. */
import { identityProviders } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { identityProvider, show } from './shape.ts';

export const getIdentityProvider = adminRoute(
  {
    method: 'get',
    path: '/identity-providers/{id}',
    tag: 'Identity Providers',
    summary: 'Get an identity provider',
    needs: 'idp:read',
    params: idPath,
    answer: identityProvider,
  },
  async (ask) => {
    const row = await ask.scope.byId(identityProviders, ask.params.id);
    return row ? answer((await show(ask, [row]))[0]!) : absent('identity provider', ask.params.id);
  },
);
