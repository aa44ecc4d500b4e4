/**
 * What becomes of a browser that comes back from the identity provider: the login that it began is used up,
 * the code redeemed (`oidc.ts`), and somebody is recognised (`find-user.ts`), or not.
 */
import { and, eq, gt, isNull } from 'drizzle-orm';
import { z } from 'zod';
import type { Authentication } from '#schema/db/people.ts';
import { authorizations, identityProviders, type users } from '#schema/db/tables.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { type Call, callerAddress, type Tenant } from '../context.ts';
import { redirectUri } from '../routes/identity-providers/shape.ts';
import { type Row, scopeOf } from '../scope.ts';
import { hashOf, sameText } from '../secret.ts';
import { clearLoginCookie, readLoginCookie } from './cookies.ts';
import { findUser } from './find-user.ts';
import { type Next, next } from './next.ts';
import { redeem } from './oidc.ts';
import { loginContext } from './start-login.ts';

const kept = z.object({
  secrets: z.object({ state: z.string(), nonce: z.string(), verifier: z.string() }),
  next,
  maxAge: z.number().optional(),
});

export interface Finished {
  user: Row<typeof users>;
  authentication: Authentication;
  next: Next;
}

export async function finishLogin(c: Call, tenant: Tenant): Promise<Verdict<Finished>> {
  const ports = c.get('ports');
  const now = ports.clock();
  const scope = scopeOf(ports.database, tenant.id);
  const cookie = readLoginCookie(c);
  clearLoginCookie(c, tenant);
  const state = c.req.query('state');
  if (cookie === undefined || state === undefined) return refuse('login_expired');
  const [stateHash, browserHash] = await Promise.all([hashOf(state), hashOf(cookie)]);
  const open = and(
    eq(authorizations.stateHash, stateHash),
    isNull(authorizations.usedAt),
    gt(authorizations.expiresAt, now),
  )!;
  const begun = await scope.find(authorizations, open);
  if (!begun || !sameText(begun.browserHash, browserHash)) return refuse('login_expired');
  const used = await scope
    .update(authorizations, { usedAt: now }, open)
    .returning({ at: authorizations.usedAt });
  if (used.length !== 1) return refuse('login_expired');
  const provider = await scope.byId(identityProviders, begun.identityProviderId);
  if (!provider || provider.disabledAt !== null) return refuse('idp_missing');

  const sealed = await ports.vault.open(begun.sealed, loginContext(stateHash));
  const { secrets, next, maxAge } = kept.parse(JSON.parse(new TextDecoder().decode(sealed)));
  const returned = new URL(redirectUri(ports.settings, tenant));
  returned.search = new URL(c.req.url).search;
  const redeemed = await redeem(ports, provider, secrets, {
    returned,
    redirectUri: redirectUri(ports.settings, tenant),
    maxAge,
  });
  if (!redeemed.ok) return redeemed;
  const { vouched } = redeemed;
  const at = { ports, scope, now, requestId: c.get('requestId'), address: callerAddress(c) };
  const found = await findUser(at, provider, vouched);
  if (!found.ok) return found;
  return { ok: true, user: found.user, authentication: vouched.authentication, next };
}
