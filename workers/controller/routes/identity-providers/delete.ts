/** DELETE /identity-providers/{id}: nobody can log in by it any more; the people stay. */
import { eq } from 'drizzle-orm';
import { authorizations, identityProviders, userIdentities } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { show } from './shape.ts';

export const deleteIdentityProvider = adminRoute(
  {
    method: 'delete',
    path: '/identity-providers/{id}',
    tag: 'Identity Providers',
    summary: 'Remove an identity provider',
    needs: 'idp:write',
    params: idPath,
  },
  async (ask) => {
    const { scope } = ask;
    const row = await scope.byId(identityProviders, ask.params.id);
    if (!row) return absent('identity provider', ask.params.id);
    const [before] = await show(ask, [row]);
    return new Change(ask)
      .write(
        scope.delete(authorizations, eq(authorizations.identityProviderId, row.id)),
        scope.delete(userIdentities, eq(userIdentities.identityProviderId, row.id)),
        scope.delete(identityProviders, eq(identityProviders.id, row.id)),
      )
      .audit('delete', 'identityProvider', row.id, { before })
      .commit({ body: undefined });
  },
);
