/**
 * Checks what an agent logs in with: an assertion signed by its own key (RFC 7523), and a proof by the key
 * that its tokens will be bound to (RFC 9449). Comes before `token.ts` issues anything. Until the signature
 * over the assertion holds, nothing is said about whether a credential exists or how it stands.
 */
import { eq } from 'drizzle-orm';
import { calculateJwkThumbprint, decodeJwt, importJWK, errors as jose } from 'jose';
import type { PublicJwk } from '#schema/control/login.ts';
import { paths } from '#schema/control/login.ts';
import { connectors, relays, serviceKeys, userSessions, users } from '#schema/db/tables.ts';
import { isConnectorHash, isId } from '#schema/ids.ts';
import { algorithm, clockTolerance, tokenKinds } from '#schema/token/kinds.ts';
import { verifyProof } from '#schema/token/proof.ts';
import { verifyToken } from '#schema/token/verify.ts';
import type { Call, Tenant } from '../context.ts';
import { type Row, scopeOf } from '../scope.ts';
import { addressedUrl } from './addressed.ts';
import { type AgentRefusal, refuseAgent } from './refuse-agent.ts';
import { useOnce } from './single-use.ts';

export type Credential =
  | { role: 'client'; tenant: Tenant; row: Row<typeof serviceKeys> }
  | { role: 'person'; tenant: Tenant; row: Row<typeof userSessions>; user: Row<typeof users> }
  | { role: 'connector'; tenant: Tenant; row: Row<typeof connectors> }
  | { role: 'relay'; row: Row<typeof relays> };

/** Who has logged in, and the thumbprint of the key that its tokens are for. */
export type LoggedIn = { ok: true; credential: Credential; jkt: string };

export async function checkLogin(
  c: Call,
  assertion: string,
): Promise<LoggedIn | (AgentRefusal & { who?: string })> {
  const ports = c.get('ports');
  const nowMs = ports.clock();
  const url = addressedUrl(c, paths.token);
  const claimed = readClaims(assertion, url, nowMs);
  if (!claimed.ok) return claimed;
  const { who } = claimed;

  const proof = c.req.header('dpop');
  if (proof === undefined) return { ...refuseAgent('proof_invalid', 'no DPoP header'), who };
  const possessed = await verifyProof(proof, { method: 'POST', url, nowMs });
  if (!possessed.ok) return { ...refuseAgent(possessed.code, possessed.detail ?? possessed.code), who };

  const credential = await findCredential(c, who);
  if (!credential) return { ...refuseAgent('credential_unknown', 'no such credential here'), who };
  const keys = (await importJWK(credential.row.publicJwk!, algorithm)) as CryptoKey;
  const verified = await verifyToken('clientAssertion', assertion, {
    keys,
    issuer: who,
    audience: url,
    nowMs,
  });
  if (!verified.ok) {
    return { ...refuseAgent('credential_unknown', `assertion: ${verified.detail ?? verified.code}`), who };
  }

  const { jkt } = possessed;
  const bound = credential.role === 'connector' || credential.role === 'relay';
  if (bound && jkt !== (await thumbprintOf(credential.row.publicJwk!))) {
    return { ...refuseAgent('proof_invalid', 'proof by another key than the agent’s own'), who };
  }
  const fresh = await useOnce(ports, [
    `assertion:${who}:${verified.claims.jti}`,
    `proof:${jkt}:${possessed.jti}`,
  ]);
  if (!fresh) return { ...refuseAgent('token_replayed', 'assertion or proof used before'), who };
  const dead = deadBecause(credential, nowMs);
  if (dead) return { ...refuseAgent(dead, dead), who };
  return { ok: true, credential, jkt };
}

/** What can be said of an assertion without knowing whose it is. */
function readClaims(
  assertion: string,
  url: string,
  nowMs: number,
): { ok: true; who: string } | (AgentRefusal & { who?: string }) {
  let claims: ReturnType<typeof decodeJwt>;
  try {
    claims = decodeJwt(assertion);
  } catch (error) {
    if (error instanceof jose.JOSEError) return refuseAgent('credential_rejected', 'assertion is no JWT');
    throw error;
  }
  const { sub: who, aud, iat = 0, exp = 0 } = claims;
  if (typeof who !== 'string') return refuseAgent('credential_rejected', 'assertion without subject');
  if (aud !== url) {
    const detail = `the assertion is meant for another URL than ${url}`;
    return { ...refuseAgent('credential_rejected', 'audience', detail), who };
  }
  const now = nowMs / 1000;
  const oldest = now - tokenKinds.clientAssertion.lifetime - clockTolerance;
  if (iat > now + clockTolerance || iat < oldest || exp < now - clockTolerance) {
    return { ...refuseAgent('clock_skew', `assertion of ${Math.round(iat - now)} s from now`), who };
  }
  return { ok: true, who };
}

/** An enrolled agent or a key that exists, of the Tenant that was addressed, or of the deployment. */
async function findCredential(c: Call, who: string): Promise<Credential | undefined> {
  const { database } = c.get('ports');
  const tenant = c.get('tenant');
  if (!tenant) {
    if (!isId('relay', who)) return undefined;
    const [row] = await database.select().from(relays).where(eq(relays.id, who)).limit(1);
    return row?.publicJwk ? { role: 'relay', row } : undefined;
  }
  const scope = scopeOf(database, tenant.id);
  if (isId('serviceKey', who)) {
    const row = await scope.find(serviceKeys, eq(serviceKeys.id, who));
    return row && { role: 'client', tenant, row };
  }
  if (isId('userSession', who)) {
    const row = await scope.find(userSessions, eq(userSessions.id, who));
    const user = row && (await scope.byId(users, row.userId));
    return user && { role: 'person', tenant, row, user };
  }
  // A Connector without a disk knows its key alone, and so its hash.
  if (!isId('connector', who) && !isConnectorHash(who)) return undefined;
  const named = isConnectorHash(who) ? eq(connectors.hash, who) : eq(connectors.id, who);
  const row = await scope.find(connectors, named);
  return row?.publicJwk ? { role: 'connector', tenant, row } : undefined;
}

/** Why a credential that is known no longer opens anything. */
export function deadBecause(credential: Credential, nowMs: number) {
  const { role, row } = credential;
  if (role === 'person') {
    if (!credential.user.active) return 'user_inactive';
    return row.revokedAt !== null || row.expiresAt <= nowMs ? 'session_ended' : undefined;
  }
  if (role === 'relay') return row.revokedAt === null ? undefined : 'relay_revoked';
  if (role === 'connector') return row.revokedAt === null ? undefined : 'connector_revoked';
  if (row.revokedAt !== null) return 'key_revoked';
  return row.expiresAt !== null && row.expiresAt <= nowMs ? 'key_expired' : undefined;
}

/** RFC 7638. */
export const thumbprintOf = ({ kty, crv, x, y }: PublicJwk): Promise<string> =>
  calculateJwkThumbprint({ kty, crv, x, y });
