/**
 * Who an agent is that presents an access token (RFC 9449 §7): the token's signature, its binding to the key
 * that signed the proof, the proof's single use, and that the credential behind it still stands. Comes
 * before `connections.ts` and `channel.ts`.
 */
import { eq } from 'drizzle-orm';
import { createLocalJWKSet } from 'jose';
import { connectors, instances, relays, serviceKeys, userSessions, users } from '#schema/db/tables.ts';
import { isId } from '#schema/ids.ts';
import type { Claims } from '#schema/token/claims.ts';
import { verifyProof } from '#schema/token/proof.ts';
import { verifyToken } from '#schema/token/verify.ts';
import { type Call, callerAddress, type Tenant } from '../context.ts';
import type { VerifiedAgent } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { tenantUrl } from '../tenant.ts';
import { addressedUrl } from './addressed.ts';
import { deadBecause, thumbprintOf } from './assertion.ts';
import { type AgentRefusal, refuseAgent } from './refuse-agent.ts';
import { forgetKeyRing, keyRingOf } from './signing-keys.ts';
import { useOnce } from './single-use.ts';

export async function authenticateAgent(
  c: Call,
  path: string,
): Promise<{ ok: true; agent: VerifiedAgent } | AgentRefusal> {
  const ports = c.get('ports');
  const token = /^DPoP +([A-Za-z0-9._-]{1,8192})$/i.exec(c.req.header('authorization') ?? '')?.[1];
  const proof = c.req.header('dpop');
  if (token === undefined || proof === undefined) {
    return refuseAgent('unauthenticated', 'no DPoP token or proof', 'send `Authorization: DPoP` and `DPoP`');
  }
  const verified = await verifyAccess(c, token);
  if (!verified.ok) return verified;
  const { jkt } = verified.claims.cnf;
  const url = addressedUrl(c, path);
  const request = { method: c.req.method, url, token, nowMs: ports.clock(), jkt };
  const possessed = await verifyProof(proof, request);
  if (!possessed.ok) return refuseAgent(possessed.code, possessed.detail ?? possessed.code);
  if (!(await useOnce(ports, [`proof:${jkt}:${possessed.jti}`]))) {
    return refuseAgent('token_replayed', 'proof used before');
  }
  return findAgent(c, verified.claims);
}

async function verifyAccess(
  c: Call,
  token: string,
): Promise<{ ok: true; claims: Claims<'access'> } | AgentRefusal> {
  const ports = c.get('ports');
  const tenant = c.get('tenant');
  const owner = tenant?.id ?? 'deployment';
  const issuer = tenant ? tenantUrl(ports.settings, tenant) : ports.settings.baseUrl;
  const verify = async () => {
    const { published } = await keyRingOf(ports, owner);
    const keys = createLocalJWKSet({ keys: published.map(({ kid, publicJwk }) => ({ ...publicJwk, kid })) });
    return verifyToken('access', token, { keys, issuer, audience: issuer, nowMs: ports.clock() });
  };
  let verdict = await verify();
  if (!verdict.ok && verdict.code === 'token_invalid') {
    // Perhaps signed by a key that is newer than what this isolate has read.
    forgetKeyRing(owner);
    verdict = await verify();
  }
  return verdict.ok ? verdict : refuseAgent(verdict.code, verdict.detail ?? verdict.code);
}

async function findAgent(
  c: Call,
  { role, sub, client_id: clientId, instance, cnf: { jkt } }: Claims<'access'>,
): Promise<{ ok: true; agent: VerifiedAgent } | AgentRefusal> {
  const { database, clock } = c.get('ports');
  const tenant = c.get('tenant');
  const address = callerAddress(c) ?? '';
  const gone = refuseAgent('credential_unknown', 'the credential behind the token is gone');
  if (role === 'relay') {
    if (tenant || !isId('relay', sub)) return gone;
    const [row] = await database.select().from(relays).where(eq(relays.id, sub));
    if (!row || row.jkt !== jkt) return gone;
    const dead = deadBecause({ role, row }, clock());
    return dead ? refuseAgent(dead, dead) : { ok: true, agent: { role, id: row.id, jkt, address } };
  }
  if (!tenant) return gone;
  const scope = scopeOf(database, tenant.id);
  if (role === 'connector') {
    const row = isId('connector', sub) ? await scope.find(connectors, eq(connectors.id, sub)) : undefined;
    // After an enrolment anew, what was issued to the key before it counts for nothing.
    if (!row?.hash || !row.publicJwk || (await thumbprintOf(row.publicJwk)) !== jkt) return gone;
    const dead = deadBecause({ role, tenant, row }, clock());
    if (dead) return refuseAgent(dead, dead);
    const { id, hash, remoteNetworkId: network } = row;
    return { ok: true, agent: { role, tenant: tenant.id, id, network, hash, jkt, address } };
  }
  if (!isId('instance', instance)) return gone;
  const [credential, running] = await Promise.all([
    clientCredential(scope, tenant, clientId),
    scope.find(instances, eq(instances.id, instance)),
  ]);
  if (!credential || !running) return gone;
  const dead = deadBecause(credential, clock());
  if (dead) return refuseAgent(dead, dead);
  if (running.revokedAt !== null) return refuseAgent('credential_rejected', 'instance revoked');
  const principal = credential.role === 'client' ? credential.row.serviceAccountId : credential.row.userId;
  const { id: key } = credential.row;
  return { ok: true, agent: { role, tenant: tenant.id, id: instance, principal, key, jkt, address } };
}

/** A Service Key, or a person's session. */
async function clientCredential(scope: Scope, tenant: Tenant, id: string) {
  if (isId('serviceKey', id)) {
    const row = await scope.find(serviceKeys, eq(serviceKeys.id, id));
    return row && { role: 'client' as const, tenant, row };
  }
  const row = await scope.byId(userSessions, id);
  const user = row && (await scope.byId(users, row.userId));
  return row && user && { role: 'person' as const, tenant, row, user };
}
