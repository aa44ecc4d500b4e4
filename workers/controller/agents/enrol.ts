/**
 * POST /api/v1/enrol: the one time in a Connector's or relay's life that a token stands for it; from then on
 * its own key does (`token.ts`). The token is used up and the key stored in one transaction, so that of two
 * who come with one token exactly one is let in.
 */
import { and, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import { calculateJwkThumbprint } from 'jose';
import {
  type EnrolAnswer,
  type EnrolRequest,
  enrolRequest,
  type PublicJwk,
  paths,
} from '#schema/control/login.ts';
import { connectors, enrolmentTokens, relays } from '#schema/db/tables.ts';
import { connectorHashOf } from '#schema/ids.ts';
import { verifyProof } from '#schema/token/proof.ts';
import { type Call, type Controller, callerAddress, type Tenant } from '../context.ts';
import { type Row, scopeOf } from '../scope.ts';
import { hashOf } from '../secret.ts';
import { tenantUrl } from '../tenant.ts';
import { addressedUrl } from './addressed.ts';
import { type AgentRefusal, answerRefusal, refuseAgent } from './refuse-agent.ts';
import { retireIdentity } from './retire-identity.ts';
import { useOnce } from './single-use.ts';

type Enrolled = { ok: true; answer: EnrolAnswer };

export function mountEnrol(app: Controller): void {
  app.post(paths.enrol, async (c) => {
    const parsed = enrolRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const code = issue?.path[0] === 'public_key' ? 'public_key_invalid' : 'validation_failed';
      return answerRefusal(
        c,
        refuseAgent(code, 'body does not fit', `${issue?.path.join('.')}: ${issue?.message}`),
      );
    }
    const proven = await checkProof(c, parsed.data.public_key);
    if (!proven.ok) return answerRefusal(c, proven);
    const tenant = c.get('tenant');
    const outcome = tenant
      ? await enrolConnector(c, tenant, parsed.data)
      : await enrolRelay(c, parsed.data, proven.jkt);
    if (!outcome.ok) return answerRefusal(c, outcome);
    c.get('ports').log('info', 'agent_enrolled', {
      request_id: c.get('requestId'),
      tenant: tenant?.id,
      agent: outcome.answer.id,
    });
    return c.json(outcome.answer, 201, { 'Cache-Control': 'no-store' });
  });
}

async function checkProof(c: Call, key: PublicJwk): Promise<{ ok: true; jkt: string } | AgentRefusal> {
  const ports = c.get('ports');
  const proof = c.req.header('dpop');
  if (proof === undefined) return refuseAgent('proof_invalid', 'no DPoP header');
  const { kty, crv, x, y } = key;
  const jkt = await calculateJwkThumbprint({ kty, crv, x, y });
  const url = addressedUrl(c, paths.enrol);
  const possessed = await verifyProof(proof, { method: 'POST', url, nowMs: ports.clock(), jkt });
  if (!possessed.ok) return refuseAgent(possessed.code, possessed.detail ?? possessed.code);
  if (!(await useOnce(ports, [`proof:${jkt}:${possessed.jti}`]))) {
    return refuseAgent('token_replayed', 'proof used before');
  }
  return { ok: true, jkt };
}

async function enrolConnector(
  c: Call,
  tenant: Tenant,
  request: EnrolRequest,
): Promise<Enrolled | AgentRefusal> {
  const ports = c.get('ports');
  const scope = scopeOf(ports.database, tenant.id);
  const now = ports.clock();
  const tokenHash = await hashOf(request.token);
  const token = await scope.find(enrolmentTokens, eq(enrolmentTokens.hash, tokenHash));
  if (!token) return refuseAgent('enrolment_unknown', 'no such token');
  if (token.usedAt !== null) return refuseAgent('enrolment_used', 'token used');
  if (token.expiresAt <= now) return refuseAgent('enrolment_expired', 'token expired');
  const before = await scope.find(connectors, eq(connectors.id, token.connectorId));
  if (!before) return refuseAgent('enrolment_unknown', 'Connector deleted');
  if (before.revokedAt !== null) return refuseAgent('connector_revoked', 'Connector revoked');

  const hash = await connectorHashOf(await spkiOf(request.public_key));
  const unused = and(eq(enrolmentTokens.hash, tokenHash), isNull(enrolmentTokens.usedAt))!;
  const stillUnused = sql`exists (select 1 from ${enrolmentTokens} where ${unused})`;
  try {
    await scope.batch([
      scope.update(
        connectors,
        { ...aboutAgent(c, request), hash, publicJwk: request.public_key, enrolledAt: now, relays: null },
        and(eq(connectors.id, token.connectorId), stillUnused)!,
      ),
      scope.update(enrolmentTokens, { usedAt: now }, unused),
      scope.raiseVersion(),
    ]);
  } catch (error) {
    if (!/UNIQUE constraint failed: connectors.hash/.test(causes(error))) throw error;
    return refuseAgent(
      'in_use',
      'key of another Connector',
      'this key is already enrolled as another Connector',
    );
  }
  const after = await scope.find(connectors, eq(connectors.id, token.connectorId));
  if (after?.hash !== hash) return refuseAgent('enrolment_used', 'token used meanwhile');
  ports.defer(settle(c, tenant, before, hash));
  return { ok: true, answer: { id: after.id, hash, tenant_url: tenantUrl(ports.settings, tenant) } };
}

/** The key that the Connector had before no longer counts, and Clients learn where it is met now. */
async function settle(c: Call, tenant: Tenant, before: Row<typeof connectors>, hash: string): Promise<void> {
  const ports = c.get('ports');
  if (before.hash !== null && before.hash !== hash) await retireIdentity(ports, tenant.id, before);
  await ports.channels.configurationChanged(tenant.id);
}

async function enrolRelay(c: Call, request: EnrolRequest, jkt: string): Promise<Enrolled | AgentRefusal> {
  const ports = c.get('ports');
  const { database } = ports;
  const now = ports.clock();
  const byToken = eq(relays.enrolmentHash, await hashOf(request.token));
  const [relay] = await database.select().from(relays).where(byToken);
  if (!relay) return refuseAgent('enrolment_unknown', 'no such token');
  if (relay.revokedAt !== null) return refuseAgent('relay_revoked', 'relay removed');
  if (relay.enrolmentExpiresAt === null) return refuseAgent('enrolment_used', 'token used');
  if (relay.enrolmentExpiresAt <= now) return refuseAgent('enrolment_expired', 'token expired');
  // The hash stays, so that the same token is known as used; without an end it opens nothing.
  const [enrolled] = await database
    .update(relays)
    .set({ publicJwk: request.public_key, jkt, enrolledAt: now, enrolmentExpiresAt: null })
    .where(and(byToken, isNotNull(relays.enrolmentExpiresAt), gt(relays.enrolmentExpiresAt, now)))
    .returning({ id: relays.id });
  if (!enrolled) return refuseAgent('enrolment_used', 'token used meanwhile');
  ports.defer(ports.channels.relaysChanged());
  return { ok: true, answer: { id: enrolled.id } };
}

const aboutAgent = (c: Call, { version, hostname, labels }: EnrolRequest) => ({
  version,
  hostname: hostname ?? null,
  labels: labels ?? null,
  publicAddress: callerAddress(c),
});

async function spkiOf({ kty, crv, x, y }: PublicJwk): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: 'ECDSA', namedCurve: crv };
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, algorithm, true, ['verify']);
  return new Uint8Array((await crypto.subtle.exportKey('spki', key)) as ArrayBuffer);
}

function causes(error: unknown): string {
  let text = '';
  for (let at = error; at instanceof Error; at = at.cause) text += ` ${at.message}`;
  return text;
}
