/**
 * An identity provider as the API shows it: never with its client secret, which is sealed and can only be
 * replaced.
 */
import { z } from '@hono/zod-openapi';
import { type identityProviders, userIdentities } from '#schema/db/tables.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { presetFacts, presets } from '#schema/people/presets.ts';
import type { Tenant } from '../../context.ts';
import { instant, iso, line, name } from '../../fields.ts';
import { loginPaths } from '../../people/paths.ts';
import type { Ports, Settings } from '../../ports.ts';
import type { Row, Scope } from '../../scope.ts';
import { tenantUrl } from '../../tenant.ts';

const claim = z.string().min(1).max(128);
const claims = z.strictObject({ email: claim, name: claim, groups: claim });

export const identityProvider = z
  .object({
    id: z.string().openapi({ example: 'idp_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    preset: z.enum(presets),
    name: z.string(),
    issuer: z.string(),
    client_id: z.string(),
    has_secret: z.boolean(),
    scopes: z.array(z.string()),
    allowed_domains: z.array(z.string()),
    claims,
    creates_users: z.boolean(),
    enabled: z.boolean(),
    redirect_uri: z.string().openapi({ description: 'To be registered at the provider.' }),
    people: z.number().int().openapi({ description: 'Who have logged in by it.' }),
    created_at: instant,
    updated_at: instant,
  })
  .openapi('IdentityProvider');

const domain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i)
  .toLowerCase();

export const writable = {
  name,
  issuer: z.url().max(512),
  client_id: line(256).min(1),
  client_secret: z.string().min(1).max(1024).nullable().openapi({ description: 'Null for a public client.' }),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .min(1)
    .max(20),
  allowed_domains: z.array(domain).max(100).openapi({ description: 'Of e-mail addresses; empty: any.' }),
  claims,
  creates_users: z.boolean().openapi({
    description:
      'Whether somebody whom neither SCIM nor an administrator has created becomes a user by logging in.',
  }),
};

/** What sealed secrets are bound to. */
export const secretContext = (id: string) => `identity provider ${id}`;

export const sealSecret = async ({ vault }: Pick<Ports, 'vault'>, id: string, secret: string | null) =>
  secret === null ? null : vault.seal(Uint8Array.from(new TextEncoder().encode(secret)), secretContext(id));

export async function show(
  { scope, tenant, ports }: { scope: Scope; tenant: Tenant; ports: Pick<Ports, 'settings'> },
  rows: Row<typeof identityProviders>[],
): Promise<z.input<typeof identityProvider>[]> {
  const people = await scope.countBy(userIdentities, userIdentities.identityProviderId);
  return rows.map((row) => ({
    id: row.id,
    preset: row.preset,
    name: row.name,
    issuer: row.issuer,
    client_id: row.clientId,
    has_secret: row.sealedSecret !== null,
    scopes: row.scopes,
    allowed_domains: row.allowedDomains,
    claims: row.claims,
    creates_users: row.createsUsers,
    enabled: row.disabledAt === null,
    redirect_uri: redirectUri(ports.settings, tenant),
    people: people.get(row.id) ?? 0,
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  }));
}

export const redirectUri = (settings: Settings, tenant: Tenant): string =>
  tenantUrl(settings, tenant) + loginPaths.callback;

/**
 * An issuer speaks HTTPS (OpenID Connect Discovery 1.0 §3); plain HTTP is for a provider on this machine alone.
 */
export function checkIssuer(issuer: string, preset: keyof typeof presetFacts): Verdict<object> {
  const url = new URL(issuer);
  const local = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))
    return refuse('validation_failed', `issuer: ${url.protocol} is not https:`);
  if (url.search || url.hash || url.username || url.password)
    return refuse('validation_failed', 'issuer: has a query, a fragment or a password');
  if (/[{}]|%7B/i.test(issuer))
    return refuse(
      'validation_failed',
      `issuer: write what belongs in the braces of ${presetFacts[preset].issuer}`,
    );
  return { ok: true };
}
