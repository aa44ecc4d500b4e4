/** POST /identity-providers. What is left out comes from the preset; the client secret is sealed at once. */
import { z } from '@hono/zod-openapi';
import { identityProviders } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { presetFacts, presets } from '#schema/people/presets.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change, mint } from '../../change.ts';
import type { Ports } from '../../ports.ts';
import type { Row } from '../../scope.ts';
import { checkIssuer, identityProvider, sealSecret, show, writable } from './shape.ts';

export const creation = z.strictObject({
  preset: z.enum(presets).default('oidc'),
  name: writable.name,
  issuer: writable.issuer,
  client_id: writable.client_id,
  client_secret: writable.client_secret.default(null),
  scopes: writable.scopes.optional(),
  allowed_domains: writable.allowed_domains.default([]),
  claims: writable.claims.partial().default({}),
  creates_users: writable.creates_users.default(true),
});

export const createIdentityProvider = adminRoute(
  {
    method: 'post',
    path: '/identity-providers',
    tag: 'Identity Providers',
    summary: 'Add an identity provider',
    needs: 'idp:write',
    body: creation,
    answer: identityProvider,
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const checked = checkIssuer(ask.body.issuer, ask.body.preset);
    if (!checked.ok) return checked;
    const { scope } = ask;
    const row = await rowOf(ask, scope.tenantId, ask.body);
    const [shown] = await show(ask, [row]);
    return new Change(ask)
      .write(scope.insert(identityProviders, row))
      .audit('create', 'identityProvider', row.id, { after: shown })
      .commit({ body: shown! });
  },
);

export async function rowOf(
  at: { ports: Ports; now: number },
  tenantId: Id<'tenant'>,
  body: z.output<typeof creation>,
): Promise<Row<typeof identityProviders>> {
  const id = mint(at, 'identityProvider');
  const facts = presetFacts[body.preset];
  const { email, name, groups } = { ...facts.claims, ...body.claims };
  return {
    tenantId,
    id,
    preset: body.preset,
    name: body.name,
    issuer: body.issuer,
    clientId: body.client_id,
    sealedSecret: await sealSecret(at.ports, id, body.client_secret),
    scopes: body.scopes ?? [...facts.scopes],
    allowedDomains: body.allowed_domains,
    claims: {
      email: email ?? facts.claims.email,
      name: name ?? facts.claims.name,
      groups: groups ?? facts.claims.groups,
    },
    createsUsers: body.creates_users,
    createdAt: at.now,
    updatedAt: at.now,
    disabledAt: null,
  };
}
