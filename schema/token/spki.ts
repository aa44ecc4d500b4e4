/**
 * The DER form of a public key (SubjectPublicKeyInfo, RFC 5280 §4.1; for P-256 RFC 5480 §2), which is what a
 * Connector's hash is made of: from the JWK of a proof to the hash that it may register under.
 */
import { decode } from 'jose/base64url';
import type { PublicJwk } from '#schema/control/login.ts';

/** SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { uncompressed point … */
const prefix = [
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
  0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

export function spkiOf({ x, y }: PublicJwk): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...prefix, ...decode(x), ...decode(y)]);
}
