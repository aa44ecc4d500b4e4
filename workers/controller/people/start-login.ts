/**
 * Sends a browser to the identity provider. What is needed when it comes back is sealed in the database, and
 * tied to this browser by a cookie, so that nobody finishes a login that somebody else began.
 */
import { and, asc, eq, isNull } from 'drizzle-orm';
import { authorizations, identityProviders } from '#schema/db/tables.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Call, Tenant } from '../context.ts';
import { redirectUri } from '../routes/identity-providers/shape.ts';
import { type Row, scopeOf } from '../scope.ts';
import { hashOf, mintSecret } from '../secret.ts';
import { loginSeconds, writeLoginCookie } from './cookies.ts';
import type { Next } from './next.ts';
import { authorizationUrl, newSecrets } from './oidc.ts';

export interface LoginWish {
  next: Next;
  /** `idp_…`; with several providers and no wish, the person chooses. */
  provider?: string | undefined;
  /** Seconds: somebody who proved who they are longer ago must do so again. */
  maxAge?: number | undefined;
  /** How: what policies ask for (`asked-proof.ts`). */
  acrValues?: readonly string[] | undefined;
  /** Even if the provider still knows them. */
  again?: boolean | undefined;
}

export type LoginStart = { go: string } | { choose: Row<typeof identityProviders>[] };

/** What seals a login under way. */
export const loginContext = (stateHash: string) => `login ${stateHash}`;

export async function startLogin(c: Call, tenant: Tenant, wish: LoginWish): Promise<Verdict<LoginStart>> {
  const ports = c.get('ports');
  const scope = scopeOf(ports.database, tenant.id);
  const enabled = await scope.select(identityProviders, {
    where: and(
      isNull(identityProviders.disabledAt),
      wish.provider === undefined ? undefined : eq(identityProviders.id, wish.provider as never),
    ),
    orderBy: [asc(identityProviders.createdAt)],
    limit: 20,
  });
  const [provider] = enabled;
  if (!provider) return refuse('idp_missing');
  if (enabled.length > 1) return { ok: true, choose: enabled };

  const secrets = newSecrets(ports);
  const there = await authorizationUrl(ports, provider, secrets, {
    redirectUri: redirectUri(ports.settings, tenant),
    maxAge: wish.maxAge,
    acrValues: wish.acrValues,
    again: wish.again,
  });
  if (!there.ok) return there;
  const now = ports.clock();
  const [stateHash, browser] = await Promise.all([hashOf(secrets.state), mintSecret(ports, 'spl')]);
  const kept = new TextEncoder().encode(JSON.stringify({ secrets, next: wish.next, maxAge: wish.maxAge }));
  await scope.insert(authorizations, {
    stateHash,
    identityProviderId: provider.id,
    sealed: await ports.vault.seal(Uint8Array.from(kept), loginContext(stateHash)),
    browserHash: browser.hash,
    createdAt: now,
    expiresAt: now + loginSeconds * 1000,
  });
  writeLoginCookie(c, tenant, browser.secret);
  return { ok: true, go: there.url };
}
