/**
 * Verifies a token of a named kind: signature, `typ`, issuer, audience, times and the shape of its claims.
 * Whoever calls it still has to check what the token is bound to (`cnf`) and whether it was used before.
 * Why a token was refused goes to the log; whoever sent it learns the code alone.
 */
import type { CryptoKey, JWTVerifyGetKey } from 'jose';
import * as jose from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import { refuse, type Verdict } from '#schema/errors.ts';
import { type Claims, claimSchemas } from './claims.ts';
import { algorithm, clockTolerance, type TokenKindName, tokenKinds } from './kinds.ts';

export interface Expectation {
  keys: JWTVerifyGetKey | CryptoKey;
  issuer?: string | string[];
  audience?: string;
  nowMs: number;
}

export async function verifyToken<K extends Exclude<TokenKindName, 'proof'>>(
  kind: K,
  token: string,
  { keys, issuer, audience, nowMs }: Expectation,
): Promise<Verdict<{ claims: Claims<K> }, 'token_invalid' | 'token_expired' | 'wrong_audience'>> {
  const { typ, lifetime } = tokenKinds[kind];
  try {
    const { payload } = await jwtVerify(token, keys as JWTVerifyGetKey, {
      typ,
      algorithms: [algorithm],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
      currentDate: new Date(nowMs),
      clockTolerance,
      maxTokenAge: lifetime + clockTolerance,
    });
    const parsed = claimSchemas[kind].safeParse(payload);
    if (!parsed.success) return refuse('token_invalid', 'claims do not fit');
    const claims = parsed.data as Claims<K>;
    if (claims.exp - claims.iat > lifetime) return refuse('token_invalid', 'lives too long');
    return { ok: true, claims };
  } catch (error) {
    if (error instanceof jose.JWTExpired) return refuse('token_expired');
    if (error instanceof jose.JWTClaimValidationFailed && error.claim === 'aud')
      return refuse('wrong_audience');
    if (error instanceof jose.JOSEError || error instanceof TypeError)
      return refuse('token_invalid', error.message);
    throw error;
  }
}
