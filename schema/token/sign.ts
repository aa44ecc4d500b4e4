/**
 * Signs a token of a named kind: `typ` and lifetime come from the table, the claims must fit their schema.
 * The Controller signs what it issues, agents their assertions. `verify.ts` is the other half.
 */

import type { CryptoKey } from 'jose';
import { SignJWT } from 'jose/jwt/sign';
import { type Claims, claimSchemas } from './claims.ts';
import { algorithm, type TokenKindName, tokenKinds } from './kinds.ts';

/**
 * @param key `kid` names a Tenant's signing key; an agent's own key is known by its id and needs none.
 * @throws RangeError when the claims outlive the kind: a mistake of ours, never of a caller.
 */
export async function signToken<K extends Exclude<TokenKindName, 'proof'>>(
  kind: K,
  claims: Claims<K>,
  key: { privateKey: CryptoKey; kid?: string },
): Promise<string> {
  const body = claimSchemas[kind].parse(claims);
  if (body.exp - body.iat > tokenKinds[kind].lifetime) throw new RangeError(`${kind} would live too long`);
  const header = { alg: algorithm, typ: tokenKinds[kind].typ };
  return new SignJWT(body)
    .setProtectedHeader(key.kid === undefined ? header : { ...header, kid: key.kid })
    .sign(key.privateKey);
}
