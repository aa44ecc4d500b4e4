/**
 * How long to wait before the next attempt: exponential with full jitter, so that thousands of agents which
 * lost the same peer at once do not come back at once.
 */
import { fraction, type Random } from './random.ts';

export interface Backoff {
  /** Milliseconds to wait now; each call raises the ceiling of the next one. */
  next(): number;
  /** The attempt succeeded: start small again. */
  reset(): void;
}

export function backoff(o: { firstMs: number; maxMs: number; random: Random }): Backoff {
  let ceiling = o.firstMs;
  return {
    next() {
      const wait = fraction(o.random) * ceiling;
      ceiling = Math.min(o.maxMs, ceiling * 2);
      return Math.round(wait);
    },
    reset() {
      ceiling = o.firstMs;
    },
  };
}
