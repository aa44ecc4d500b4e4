/**
 * Who an administrator's request comes from: an API token of a Tenant, or the deployment's operator. Comes
 * after `tenant.ts`, before a route's validation, so that nobody unknown learns what a valid request looks
 * like. Why a credential was refused goes to the log; whoever sent it learns only that it was.
 */
import { eq } from 'drizzle-orm';
import { createMiddleware } from 'hono/factory';
import { apiTokens } from '#schema/db/tables.ts';
import { covers, type ScopeName } from '#schema/people/scopes.ts';
import { type Call, callerAddress, type Env, type Tenant } from './context.ts';
import { tokenByHash } from './deployment.ts';
import type { Ports } from './ports.ts';
import { problem } from './problem.ts';
import { scopeOf } from './scope.ts';
import { hashOf, isSecret, sameText } from './secret.ts';

export type Caller =
  | { kind: 'api_token'; tenant: Tenant; token: typeof apiTokens.$inferSelect; bearer: string }
  | { kind: 'operator'; bearer: string };

/** Seconds that `Retry-After` names. */
const retryAfter = 10;
/** `last_used_at` is brought up to date this often, in milliseconds: it costs a write. */
const lastUsedPrecision = 60_000;

/** Lets in whoever holds a live API token of this Tenant with the scope; sets `caller`. */
export const requireScope = (scope: ScopeName) =>
  createMiddleware<Env>(async (c, next) => {
    const ports = c.get('ports');
    const bearer = bearerOf(c);
    const found = bearer === undefined ? 'no_credential' : await accept(ports, c.get('tenant'), bearer);
    if (typeof found === 'string') return rejected(c, found);
    if (!(await ports.limiter.allow('api', found.token.id))) return tooMany(c);
    noteUse(ports, found.token);
    if (!covers(found.token.scopes, scope)) return problem(c, 'forbidden', `needs the scope ${scope}`);
    c.set('caller', { kind: 'api_token', ...found, bearer: bearer! });
    return next();
  });

/** Lets in the deployment's operator, on the deployment's own URL alone. */
export const requireOperator = createMiddleware<Env>(async (c, next) => {
  const ports = c.get('ports');
  if (c.get('tenant')) return problem(c, 'not_found', 'offered on the deployment’s own URL, to its operator');
  const bearer = bearerOf(c);
  if (bearer === undefined) return rejected(c, 'no_credential');
  if (!sameText(await hashOf(bearer), ports.settings.operatorTokenHash)) return rejected(c, 'not_operator');
  if (!(await ports.limiter.allow('api', 'operator'))) return tooMany(c);
  c.set('caller', { kind: 'operator', bearer });
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
