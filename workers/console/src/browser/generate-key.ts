/**
 * The browser's cryptography, used here alone: the key pair of a new Service Key. The public half goes to the
 * Controller, the private half into the file that somebody takes along; nothing keeps it.
 */
import { Problem } from '../api/problem.ts';

const p256 = { name: 'ECDSA', namedCurve: 'P-256' };

export interface KeyPair {
  publicKey: Record<string, unknown>;
  /** PKCS#8 PEM (RFC 5958, RFC 7468). */
  privateKey: string;
}

/** @throws Problem where the browser offers no cryptography: on a page that did not come by https. */
export async function generateKey(): Promise<KeyPair> {
  // Absent at run time outside secure contexts, whatever the types say.
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle === undefined)
    throw new Problem({
      code: 'insecure_context',
      title: 'This browser makes no keys here',
      detail: 'Browsers offer cryptography only on pages that come by https or from this machine.',
      remedy: 'Open the console by https, or make the key with `sallyport key create`.',
    });
  const pair = await subtle.generateKey(p256, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await subtle.exportKey('jwk', pair.publicKey);
  return {
    publicKey: { kty, crv, x, y },
    privateKey: pem(new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey))),
  };
}

function pem(der: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g)!;
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}
