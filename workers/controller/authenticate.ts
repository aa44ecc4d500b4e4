/**
 * Who an administrator's request comes from: an API token of a Tenant, a person by the session that their
 * console's cookie names, or the deployment's operator. Comes after `tenant.ts`, before a route's validation,
 * so that nobody unknown learns what a valid request looks like. Why a credential was refused goes to the log;
 * whoever sent it learns only that it was.
 */

import { eq } from 'drizzle-orm';
import { createMiddleware } from 'hono/factory';
import type { consoleSessions } from '#schema/db/tables.ts';
import { apiTokens } from '#schema/db/tables.ts';
import { scopesOf } from '#schema/people/roles.ts';
import { covers, type ScopeName } from '#schema/people/scopes.ts';
import { unattendedHeader } from '#schema/people/unattended.ts';
import { type Call, callerAddress, type Env, type Tenant } from './context.ts';
import { deploymentOf, tokenByHash } from './deployment.ts';
import { recognise } from './people/console-session.ts';
import { isSameOrigin, readSessionCookie, writeSessionCookie } from './people/cookies.ts';
import type { Ports } from './ports.ts';
import { problem } from './problem.ts';
import { type Row, scopeOf } from './scope.ts';
import { hashOf, isSecret, sameText } from './secret.ts';

/** Somebody who may do something in one Tenant. */
export interface Administrator {
  kind: 'administrator';
  tenant: Tenant;
  /** `tok_…`, or `usr_…` of a person. */
  id: string;
  /** Scopes: the token's, or those of the person's role. */
  held: readonly string[];
  /** Known to whoever asks alone: answers that are kept for repetition are sealed under it. */
  secret: string;
  session?: Row<typeof consoleSessions>;
}

export type Caller = Administrator | { kind: 'operator' | 'setup'; secret: string };

/** Seconds that `Retry-After` names. */
const retryAfter = 10;
/** `last_used_at` is brought up to date this often, in milliseconds: it costs a write. */
const lastUsedPrecision = 60_000;

/** Lets in whoever holds the scope in this Tenant, by a live API token or a session of the console; sets `caller`. */
export const requireScope = (scope: ScopeName | undefined) =>
  createMiddleware<Env>(async (c, next) => {
    const caller = await administrator(c);
    if (typeof caller === 'string') return rejected(c, caller);
    if (caller instanceof Response) return caller;
    if (!(await c.get('ports').limiter.allow('api', caller.session?.id ?? caller.id))) return tooMany(c);
    if (scope !== undefined && !covers(caller.held, scope))
      return problem(c, 'forbidden', `needs the scope ${scope}`);
    c.set('caller', caller);
    return next();
  });

/** @returns who it is; the answer to a request that another site's page sent; or why nobody is recognised. */
export async function administrator(c: Call): Promise<Administrator | Response | string> {
  const ports = c.get('ports');
  const tenant = c.get('tenant');
  if (c.req.header('authorization') !== undefined) {
    const bearer = bearerOf(c);
    const found = bearer === undefined ? 'malformed' : await accept(ports, tenant, bearer);
    if (typeof found === 'string') return found;
    noteUse(ports, found.token);
    const { id, scopes: held } = found.token;
    return { kind: 'administrator', tenant: found.tenant, id, held, secret: bearer! };
  }
  const cookie = readSessionCookie(c);
  if (cookie === undefined || !tenant) return 'no_credential';
  if (!isSameOrigin(c)) return problem(c, 'forbidden', 'a page of another origin may not ask for this');
  const person = await recognise(ports, tenant, cookie, c.req.header(unattendedHeader) !== undefined);
  if (typeof person === 'string') return `console session ${person}`;
  if (person.renewed) writeSessionCookie(c, tenant, person.renewed);
  const { user, session } = person;
  const held = user.role === null ? [] : scopesOf[user.role];
  return { kind: 'administrator', tenant, id: user.id, held, secret: cookie, session };
}

/** Lets in the deployment's operator, on the deployment's own URL alone. */
export const requireOperator = createMiddleware<Env>(async (c, next) => {
  const ports = c.get('ports');
  if (c.get('tenant')) return problem(c, 'not_found', 'offered on the deployment’s own URL, to its operator');
  const bearer = bearerOf(c);
  if (bearer === undefined) return rejected(c, 'no_credential');
  if (!sameText(await hashOf(bearer), ports.settings.operatorTokenHash)) return rejected(c, 'not_operator');
  if (!(await ports.limiter.allow('api', 'operator'))) return tooMany(c);
  c.set('caller', { kind: 'operator', secret: bearer });
  return next();
});

/** Lets in whoever has a setup code that was not used yet, on the deployment's own URL alone. */
export const requireSetupCode = createMiddleware<Env>(async (c, next) => {
  const { database, clock } = c.get('ports');
  if (c.get('tenant')) return problem(c, 'not_found', 'offered on the deployment’s own URL');
  const bearer = bearerOf(c);
  if (bearer === undefined) return rejected(c, 'no_credential');
  const hash = isSecret('spu', bearer) ? await hashOf(bearer) : undefined;
  const live = hash !== undefined && (await deploymentOf(database).hasSetupCode(hash, clock()));
  if (!live) return rejected(c, 'setup_code');
  c.set('caller', { kind: 'setup', secret: bearer });
  return next();
});

/** Answers a bad credential, and slows down whoever tries many. */
export async function rejected(c: Call, reason: string): Promise<Response> {
  const { limiter, log } = c.get('ports');
  const address = callerAddress(c);
  log('info', 'credential_rejected', { request_id: c.get('requestId'), reason, address });
  if (reason !== 'no_credential' && !(await limiter.allow('failed_login', address ?? 'unknown')))
    return tooMany(c);
  return problem(c, 'unauthenticated');
}

export const tooMany = (c: Call): Response =>
  problem(c, 'rate_limited', undefined, {}, { 'Retry-After': String(retryAfter) });

const bearerOf = (c: Call): string | undefined =>
  /^Bearer +([A-Za-z0-9._~+/=-]{1,512})$/i.exec(c.req.header('authorization') ?? '')?.[1];

type Refused = 'malformed' | 'unknown' | 'revoked' | 'expired' | 'other_tenant';

async function accept(
  { database, clock }: Ports,
  addressed: Tenant | undefined,
  bearer: string,
): Promise<{ tenant: Tenant; token: typeof apiTokens.$inferSelect } | Refused> {
  if (!isSecret('spt', bearer)) return 'malformed';
  const hash = await hashOf(bearer);
  const found = await tokenByHash(database, hash);
  if (!found || !sameText(found.token.hash, hash)) return 'unknown';
  if (found.token.revokedAt !== null) return 'revoked';
  if (found.token.expiresAt !== null && found.token.expiresAt <= clock()) return 'expired';
  if (addressed && addressed.id !== found.tenant.id) return 'other_tenant';
  return found;
}

function noteUse({ database, clock, defer }: Ports, token: typeof apiTokens.$inferSelect): void {
  const now = clock();
  if (token.lastUsedAt !== null && now - token.lastUsedAt < lastUsedPrecision) return;
  defer(
    Promise.resolve(
      scopeOf(database, token.tenantId).update(apiTokens, { lastUsedAt: now }, eq(apiTokens.id, token.id)),
    ),
  );
}
