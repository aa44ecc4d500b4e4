/**
 * The two ways to a Service Key's public half: made here, with the private half shown once and kept nowhere,
 * or brought by the caller, so that the private half never travels.
 */
import { type PublicJwk, publicJwk } from '#schema/control/login.ts';
import { refuse, type Verdict } from '#schema/errors.ts';

const p256 = { name: 'ECDSA', namedCurve: 'P-256' };

/** @returns the public half, and the private half as PKCS#8 PEM (RFC 5958, RFC 7468). */
export async function makeKeyPair(): Promise<{ publicJwk: PublicJwk; privateKeyPem: string }> {
  const pair = (await crypto.subtle.generateKey(p256, true, ['sign', 'verify'])) as CryptoKeyPair;
  const pkcs8 = (await crypto.subtle.exportKey('pkcs8', pair.privateKey)) as ArrayBuffer;
  const base64 = btoa(String.fromCharCode(...new Uint8Array(pkcs8)));
  const lines = base64.match(/.{1,64}/g)!.join('\n');
  return {
    publicJwk: publicJwk.parse(await crypto.subtle.exportKey('jwk', pair.publicKey)),
    privateKeyPem: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  };
}

/** Checks that what the caller brought is a point on the curve, and nothing more than that. */
export async function acceptPublicKey(
  jwk: Record<string, unknown>,
): Promise<Verdict<{ publicJwk: PublicJwk }, 'public_key_invalid'>> {
  if ('d' in jwk)
    return refuse('public_key_invalid', 'this is a private key: it is now known to others, make a new one');
  const parsed = publicJwk.safeParse(jwk);
  if (!parsed.success) return refuse('public_key_invalid');
  try {
    await crypto.subtle.importKey('jwk', parsed.data, p256, false, ['verify']);
  } catch {
    return refuse('public_key_invalid', 'x and y are no point on P-256');
  }
  return { ok: true, publicJwk: parsed.data };
}
