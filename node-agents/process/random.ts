/**
 * Randomness as agents are handed it: one generator of strong bytes, from which ids, nonces and jitter are
 * all made. Tests pass one that repeats itself.
 */

/** Cryptographically strong bytes. */
export type Random = (length: number) => Uint8Array<ArrayBuffer>;

/** A number in [0, 1). */
export function fraction(random: Random): number {
  const bytes = random(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}

/** A `jti` or nonce: 128 bits, base64url. */
export function nonce(random: Random): string {
  return Buffer.from(random(16)).toString('base64url');
}
