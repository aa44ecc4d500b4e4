/** GET /identity-providers, oldest first. */
import { identityProviders } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { identityProvider, show } from './shape.ts';

export const listIdentityProviders = adminRoute(
  {
    method: 'get',
    path: '/identity-providers',
    tag: 'Identity Providers',
    summary: 'List identity providers',
    needs: 'idp:read',
    query: pageQuery,
    answer: pageOf(identityProvider),
  },
  async (ask) => {
    const found = await page(
      ask.scope,
      identityProviders,
      ask.query,
      containing(ask.query.q, identityProviders.id, identityProviders.name, identityProviders.issuer),
    );
    if (!found.ok) return found;
    return answer({ items: await show(ask, found.rows), next_cursor: found.next_cursor });
  },
);
