/**
 * Randomness as agents are handed it: one generator of strong bytes, from which ids, nonces and jitter are
 * all made. Tests pass one that repeats itself.
 */

/** Cryptographically strong bytes. */
export type Random = (length: number) => Uint8Array<ArrayBuffer>;

/** The system's generator costs the same for sixteen bytes as for thousands. */
const drawnAtOnce = 4096;
const mostOfOne = 256;

/** @param fill as `randomFillSync`. What was handed out is forgotten here. */
export function drawingAhead(fill: (bytes: Uint8Array<ArrayBuffer>) => void): Random {
  const ahead = new Uint8Array(drawnAtOnce);
  let used = drawnAtOnce;
  return (length) => {
    if (length > mostOfOne) {
      const bytes = new Uint8Array(length);
      fill(bytes);
      return bytes;
    }
    if (used + length > drawnAtOnce) {
      fill(ahead);
      used = 0;
    }
    const bytes = ahead.slice(used, used + length);
    ahead.fill(0, used, used + length);
    used += length;
    return bytes;
  };
}

/** A number in [0, 1). */
export function fraction(random: Random): number {
  const bytes = random(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}

/** A `jti` or nonce: 128 bits, base64url. */
export function nonce(random: Random): string {
  return Buffer.from(random(16)).toString('base64url');
}
