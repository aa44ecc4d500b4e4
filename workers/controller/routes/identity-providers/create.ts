/** POST /identity-providers. What is left out comes from the preset; the client secret is sealed at once. */
import { z } from '@hono/zod-openapi';
import { identityProviders } from '#schema/db/tables.ts';
import { presetFacts, presets } from '#schema/people/presets.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import type { Row } from '../../scope.ts';
import { checkIssuer, identityProvider, secretContext, show, writable } from './shape.ts';

export const createIdentityProvider = adminRoute(
  {
    method: 'post',
    path: '/identity-providers',
    tag: 'Identity Providers',
    summary: 'Add an identity provider',
    needs: 'idp:write',
    body: z.strictObject({
      preset: z.enum(presets).default('oidc'),
      name: writable.name,
      issuer: writable.issuer,
      client_id: writable.client_id,
      client_secret: writable.client_secret.default(null),
      scopes: writable.scopes.optional(),
      allowed_domains: writable.allowed_domains.default([]),
      claims: writable.claims.partial().default({}),
      creates_users: writable.creates_users.default(true),
    }),
    answer: identityProvider,
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { ports, scope, now, body } = ask;
    const checked = checkIssuer(body.issuer, body.preset);
    if (!checked.ok) return checked;
    const id = mint(ask, 'identityProvider');
    const facts = presetFacts[body.preset];
    const secret = body.client_secret === null ? null : new TextEncoder().encode(body.client_secret);
    const row: Row<typeof identityProviders> = {
      tenantId: scope.tenantId,
      id,
      preset: body.preset,
      name: body.name,
      issuer: body.issuer,
      clientId: body.client_id,
      sealedSecret: secret && (await ports.vault.seal(secret, secretContext(id))),
      scopes: body.scopes ?? [...facts.scopes],
      allowedDomains: body.allowed_domains,
      claims: { ...facts.claims, ...defined(body.claims) },
      createsUsers: body.creates_users,
      createdAt: now,
      updatedAt: now,
      disabledAt: null,
    };
    const [shown] = await show(ask, [row]);
    return new Change(ask)
      .write(scope.insert(identityProviders, row))
      .audit('create', 'identityProvider', id, { after: shown })
      .commit({ body: shown! });
  },
);

const defined = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
