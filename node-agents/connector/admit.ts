/**
 * Who may come in: the first words of a Client inside the pinned TLS connection, and each ACL that it brings
 * later. Connection token, ACL and TLS certificate must be about one and the same key; both tokens must be
 * signed by the Tenant for this very Connector and Remote Network, in force, and the connection token not
 * used before. Before it comes `link/pinned-tls.ts`; flows are judged in `live-flow.ts`.
 */
import { type ClientAcl, clientAcl, judgeAcl } from '#schema/acl/intersect.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { ExpiringSet } from '#schema/relay/once.ts';
import { clockTolerance } from '#schema/token/kinds.ts';
import { verifyToken } from '#schema/token/verify.ts';
import type { Hello } from '#schema/tunnel/frames.ts';
import type { Gate } from './gate.ts';
import { limits } from './limits.ts';

export type AdmitVerdict = Verdict<{ client: ClientAcl }>;

type Trust = Pick<Gate, 'acl' | 'moment' | 'keys' | 'issuer' | 'network' | 'hash' | 'matchers'>;

/** Connection tokens that were used here. */
export const usedTokens = (): ExpiringSet => new ExpiringSet(limits.usedTokens);

/** @param peerJkt thumbprint of the key that the TLS handshake has proved. */
export async function admit(
  hello: Hello,
  peerJkt: string,
  gate: Trust,
  used: ExpiringSet,
): Promise<AdmitVerdict> {
  const nowMs = gate.moment().nowMs;
  const connection = await verifyToken('connection', hello.connection_token, {
    keys: gate.keys,
    issuer: gate.issuer(),
    audience: gate.hash,
    nowMs,
  });
  if (!connection.ok) return connection;
  const { cnf, jti, exp } = connection.claims;
  if (cnf.jkt !== peerJkt) return refuse('proof_invalid', 'the connection token is bound to another key');
  const admitted = await admitAcl(hello.acl, peerJkt, gate);
  if (!admitted.ok) return admitted;
  if (used.has(jti, nowMs)) return refuse('token_replayed');
  if (!used.add({ id: jti, untilMs: (exp + clockTolerance) * 1000 }, nowMs)) return refuse('limit_reached');
  return admitted;
}

export async function admitAcl(jwt: string, peerJkt: string, gate: Trust): Promise<AdmitVerdict> {
  const verified = await verifyToken('clientAcl', jwt, {
    keys: gate.keys,
    issuer: gate.issuer(),
    audience: gate.network(),
    nowMs: gate.moment().nowMs,
  });
  if (!verified.ok) return verified.code === 'token_expired' ? refuse('acl_expired') : verified;
  const { claims } = verified;
  if (claims.cnf.jkt !== peerJkt) return refuse('instance_mismatch');
  if (claims.acl.network !== claims.aud)
    return refuse('token_invalid', 'the ACL is of another Remote Network');
  const usable = judgeAcl(claims, gate.acl, gate.moment());
  if (!usable.ok) return usable;
  const matcher = gate.matchers.of(claims.acl.resources);
  // The matcher has the Resources; a second copy per tunnel would only weigh.
  return { ok: true, client: clientAcl({ ...claims, acl: { ...claims.acl, resources: [] } }, matcher) };
}
