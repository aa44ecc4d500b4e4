/**
 * PATCH /identity-providers/{id}. Another issuer is another provider: its subjects would be taken for those of
 * the old one, so the issuer stays what it is.
 */
import { z } from '@hono/zod-openapi';
import { eq } from 'drizzle-orm';
import { identityProviders } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, someOf } from '../../fields.ts';
import { identityProvider, sealSecret, show, writable } from './shape.ts';

const { issuer: _fixed, ...changeable } = writable;

export const updateIdentityProvider = adminRoute(
  {
    method: 'patch',
    path: '/identity-providers/{id}',
    tag: 'Identity Providers',
    summary: 'Change an identity provider',
    description: 'Disabled, nobody logs in by it any more; sessions that began by it go on.',
    needs: 'idp:write',
    params: idPath,
    body: someOf({ ...changeable, enabled: z.boolean() }),
    answer: identityProvider,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { ports, scope, now, body } = ask;
    const row = await scope.byId(identityProviders, ask.params.id);
    if (!row) return absent('identity provider', ask.params.id);
    const secret = body.client_secret;
    const sealedSecret = secret === undefined ? row.sealedSecret : await sealSecret(ports, row.id, secret);
    const after = {
      ...row,
      name: body.name ?? row.name,
      clientId: body.client_id ?? row.clientId,
      sealedSecret,
      scopes: body.scopes ?? row.scopes,
      allowedDomains: body.allowed_domains ?? row.allowedDomains,
      claims: body.claims ?? row.claims,
      createsUsers: body.creates_users ?? row.createsUsers,
      disabledAt: body.enabled === undefined ? row.disabledAt : body.enabled ? null : (row.disabledAt ?? now),
      updatedAt: now,
    };
    const [before, shown] = await show(ask, [row, after]);
    const { tenantId: _t, id: _i, ...columns } = after;
    return new Change(ask)
      .write(scope.update(identityProviders, columns, eq(identityProviders.id, row.id)))
      .audit('update', 'identityProvider', row.id, {
        before,
        after: { ...shown, ...(secret !== undefined && { client_secret: 'replaced' }) },
      })
      .commit({ body: shown! });
  },
);
