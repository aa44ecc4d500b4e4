/**
 * Proof of possession for one HTTP request (RFC 9449): made by whoever holds the key that a token is bound
 * to, checked by the Controller and by relays. A proof is single use: the checker keeps its `jti` for as
 * long as `lifetime` says, and refuses it when it comes again.
 */
import type { CryptoKey } from 'jose';
import { EmbeddedJWK } from 'jose/jwk/embedded';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { SignJWT } from 'jose/jwt/sign';
import { jwtVerify } from 'jose/jwt/verify';
import { type PublicJwk, publicJwk } from '#schema/control/login.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { proofClaims } from './claims.ts';
import { algorithm, clockTolerance, tokenKinds } from './kinds.ts';

export interface ProofRequest {
  method: string;
  /** Query and fragment do not count (RFC 9449 §4.2). */
  url: string;
  /** The token that the request carries, if any. */
  token?: string;
  nowMs: number;
}

export async function signProof(
  o: ProofRequest & { jti: string; privateKey: CryptoKey; publicJwk: PublicJwk },
): Promise<string> {
  const claims = { jti: o.jti, htm: o.method, htu: withoutQuery(o.url), iat: Math.floor(o.nowMs / 1000) };
  const { kty, crv, x, y } = o.publicJwk;
  return new SignJWT(o.token === undefined ? claims : { ...claims, ath: await hashOf(o.token) })
    .setProtectedHeader({ alg: algorithm, typ: tokenKinds.proof.typ, jwk: { kty, crv, x, y } })
    .sign(o.privateKey);
}

/**
 * @param expected.jkt thumbprint of the key that must have signed, where it is known beforehand.
 * @returns the key that signed and the `jti` that the caller must now use up.
 */
export async function verifyProof(
  proof: string,
  expected: ProofRequest & { jkt?: string },
): Promise<
  Verdict<{ jkt: string; jti: string; publicJwk: PublicJwk; iat: number }, 'proof_invalid' | 'clock_skew'>
> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: tokenKinds.proof.typ,
      algorithms: [algorithm],
      currentDate: new Date(expected.nowMs),
    });
    const claims = proofClaims.safeParse(payload);
    const key = publicJwk.safeParse(protectedHeader.jwk);
    if (!claims.success || !key.success) return refuse('proof_invalid', 'claims do not fit');
    const { htm, htu, iat, ath, jti } = claims.data;
    if (htm !== expected.method || htu !== withoutQuery(expected.url)) {
      return refuse('proof_invalid', 'made for another request');
    }
    if (ath !== (expected.token === undefined ? undefined : await hashOf(expected.token))) {
      return refuse('proof_invalid', 'made for another token');
    }
    const jkt = await calculateJwkThumbprint(key.data);
    if (expected.jkt !== undefined && jkt !== expected.jkt)
      return refuse('proof_invalid', 'made by another key');
    if (Math.abs(expected.nowMs / 1000 - iat) > tokenKinds.proof.lifetime + clockTolerance) {
      return refuse('clock_skew');
    }
    return { ok: true, jkt, jti, publicJwk: key.data, iat };
  } catch (error) {
    // Every runtime has words of its own for a key that is none, such as a point beside the curve; and
    // nothing but the proof itself is at work here.
    return refuse('proof_invalid', error instanceof Error ? error.message : undefined);
  }
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** base64url of the SHA-256: RFC 9449 §4.2 `ath`. */
async function hashOf(token: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
