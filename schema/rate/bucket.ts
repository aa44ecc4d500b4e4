/**
 * Token buckets by name, bounded: so many at once, so many a second. A bucket that is full again says nothing
 * and is forgotten. Used for events (`event/thin.ts`) and for offers (`path/desk.ts`).
 */
export interface Rate {
  /** At once. */
  burst: number;
  perSecond: number;
}

export interface Bucket {
  tokens: number;
  atMs: number;
}

export class Buckets {
  readonly #rate: Rate;
  readonly #most: number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param most buckets that are known at one time. */
  constructor(rate: Rate, most = Number.POSITIVE_INFINITY) {
    this.#rate = rate;
    this.#most = most;
  }

  /** As it stands now; undefined when there is no room for another name. */
  of(name: string, nowMs: number): Bucket | undefined {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#most) this.forgetFull(nowMs);
      if (this.#buckets.size >= this.#most) return undefined;
      bucket = { tokens: this.#rate.burst, atMs: nowMs };
      this.#buckets.set(name, bucket);
    }
    bucket.tokens = refilled(bucket, this.#rate, nowMs);
    bucket.atMs = nowMs;
    return bucket;
  }

  /** @returns whether there was one to take. */
  take(name: string, nowMs: number): boolean {
    const bucket = this.of(name, nowMs);
    if (bucket === undefined || bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  forgetFull(nowMs: number): void {
    for (const [name, bucket] of this.#buckets)
      if (refilled(bucket, this.#rate, nowMs) >= this.#rate.burst) this.#buckets.delete(name);
  }
}

const refilled = ({ tokens, atMs }: Bucket, { burst, perSecond }: Rate, nowMs: number): number =>
  Math.min(burst, tokens + (Math.max(0, nowMs - atMs) / 1000) * perSecond);
