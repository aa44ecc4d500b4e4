/** Proves node-agents/relay/exchange.ts: what one Connector can use up of what all share. */
import { createLocalJWKSet } from 'jose';
import { expect, test } from 'vitest';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { Exchange } from '#node-agents/relay/exchange.ts';
import { type Knock, verifyKnock } from '#schema/relay/handshake.ts';
import { relayProtocol } from '#schema/relay/wire.ts';
import { relayAudience } from '#schema/token/kinds.ts';
import { signProof } from '#schema/token/proof.ts';
import { signToken } from '#schema/token/sign.ts';
import { quietLog, random } from '../link/peers.ts';

const url = 'https://relay.test/relay/v1/register';
const iss = 'https://controller.test/t/acme';
const nowMs = Date.now();

test('proofs of one Connector without end leave room for those of others', async () => {
  const [tenant, rogue, other] = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
  const exchange = new Exchange({ log: quietLog().log, random, now: () => nowMs } as never);
  const keys = createLocalJWKSet({ keys: [{ ...tenant.publicJwk, kid: 'k1', alg: 'ES256' }] });
  const admissionOf = async (identity: Identity) => {
    const iat = Math.floor(nowMs / 1000);
    const claims = { iss, aud: relayAudience, sub: identity.hash, iat, exp: iat + 3_600 };
    const token = await signToken(
      'registration',
      { ...claims, jti: 'r1', cnf: { jkt: identity.jkt } },
      { privateKey: tenant.cryptoKey, kid: 'k1' },
    );
    const proof = await signProof({
      ...{ method: 'GET', url, token, nowMs, jti: 'j'.repeat(22) },
      ...{ privateKey: identity.cryptoKey, publicJwk: identity.publicJwk },
    });
    const headers: Record<string, string> = {
      authorization: `DPoP ${token}`,
      dpop: proof,
      upgrade: 'websocket',
      'sec-websocket-protocol': relayProtocol,
    };
    const knock: Knock = { door: 'register', method: 'GET', url, header: (name) => headers[name], nowMs };
    const verdict = await verifyKnock(knock, { allowed: () => true, keysOf: async () => keys });
    if (!verdict.ok) throw new Error(`${verdict.code} ${verdict.detail}`);
    return verdict.admission;
  };
  try {
    // Who is let in is gone at once: what is proved is what stays used up.
    const waiting = { release: () => null, tell() {}, close() {} };
    const admit = (admission: object) => exchange.admit({ admission, request: {}, waiting } as never);
    const genuine = await admissionOf(rogue);
    if (genuine.door === 'accept') throw new Error('not the door that was asked for');
    const again = (i: number) => ({ ...genuine, uses: genuine.uses.map((use) => ({ ...use, id: `p${i}` })) });
    const verdicts = Array.from({ length: 2_000 }, (_, i) => admit(again(i)));
    expect(verdicts.filter(({ ok }) => ok)).toHaveLength(500);
    expect(verdicts.at(-1)).toMatchObject({ code: 'limit_reached' });
    expect(admit(await admissionOf(other))).toMatchObject({ ok: true });
  } finally {
    exchange.stop();
  }
});
