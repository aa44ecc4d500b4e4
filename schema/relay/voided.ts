/**
 * Revocations beyond what can be remembered by name. Names share buckets, and a bucket knows when it last took
 * one in: whatever was issued before is void for every name in it. So nothing revoked is ever forgotten, and of
 * those who were not revoked few need a new token. `switch.ts` asks it.
 */

/** Enough that a thousand names too many void three in a hundred tokens of others, each of which names two. */
const bucketCount = 65_536;

export class Voided {
  readonly #untilMs = new Map<number, number>();

  /** Tokens for this name that were issued up to now are void. */
  add(name: string, nowMs: number): void {
    this.#untilMs.set(bucketOf(name), nowMs);
  }

  has(name: string, issuedMs: number): boolean {
    return issuedMs <= (this.#untilMs.get(bucketOf(name)) ?? Number.NEGATIVE_INFINITY);
  }
}

/** FNV-1a, 32 bits, folded. */
function bucketOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return ((hash >>> 16) ^ hash) & (bucketCount - 1);
}
