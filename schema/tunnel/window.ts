/**
 * How much a peer may send: a window per stream that grows with round trip and drain rate, and one budget
 * for the whole tunnel, out of which every window is taken; above it may stand others that tunnels share.
 * `mux.ts` asks; credit once granted cannot be taken back, so the more of the budget is out, the less a
 * single stream may still get (Choudhury and Hahne, dynamic thresholds): a few idle streams that were fast
 * once never lock out the others.
 */
import { initialCredit } from './frames.ts';

/** Bytes that may be on their way to us or wait for their reader, over all streams of one tunnel. */
export const defaultBudget = 32 * 1024 * 1024;
/** Of one stream. */
export const maxWindow = 8 * 1024 * 1024;
/**
 * Shorter round trips count as this, in milliseconds. Where bulk is alone its pieces may be large, which is what costs
 * least; where a small frame would have to wait behind them they are kept as short as a processor is waited for.
 */
const shortestMs = { alone: 2, shared: 0.25 };
/** A stream that uses up half of its window in less fills the tunnel; what comes for another one wants to be quick. */
const bulkMs = 100;
/** So many round trips for half of a window: it is wider than the consumer is fast. */
const tooWide = 4;
/** What a new stream is given at most. */
const freshWindow = 256 * 1024;

/**
 * Every stream has `initialCredit` by right, so a quarter is kept for those still to come: what is reserved
 * never exceeds `bytes`, or ¾ `bytes` and `initialCredit` per stream where that is more.
 */
export class Budget {
  /** Granted and not yet used, or used and not yet read. */
  reserved = 0;
  readonly #growth: number;
  /** What is taken here is taken there too. */
  #above: Budget | undefined;
  constructor(bytes: number = defaultBudget, above?: Budget) {
    this.#growth = bytes * 0.75;
    this.#above = above;
  }
  /** The window of a stream that begins: all alike while there is plenty, less and less later. */
  fresh(): number {
    const mine = clamp((this.#growth - this.reserved) / 128, initialCredit, freshWindow);
    return Math.min(mine, this.#above?.fresh() ?? mine);
  }
  /** The widest that a stream may become that now holds `held` bytes of the budget. */
  widest(held: number): number {
    const mine = clamp((this.#growth - this.reserved + held) / 2, initialCredit, maxWindow);
    return Math.min(mine, this.#above?.widest(held) ?? mine);
  }
  /** @param bytes negative: given back. */
  take(bytes: number): void {
    this.reserved += bytes;
    this.#above?.take(bytes);
  }
  /** From now on out of this one, what is reserved already included. */
  moveBelow(above: Budget | undefined): void {
    this.#above?.take(-this.reserved);
    this.#above = above;
    above?.take(this.reserved);
  }
}

export class ReceiveWindow {
  /** What the peer may still send. */
  credit: number;
  /** Received, not yet read by the consumer. */
  unread = 0;
  #size: number;
  #grantedAt: number;
  #granted = false;
  #finished = false;
  readonly #budget: Budget;

  /** @param credit what the peer has from the start. */
  constructor(budget: Budget, credit: number, nowMs: number) {
    this.#budget = budget;
    this.#size = credit;
    this.#grantedAt = nowMs;
    this.credit = credit;
    budget.take(credit);
  }

  /** @returns false when the peer had no credit for so much. */
  receive(bytes: number): boolean {
    if (bytes > this.credit) return false;
    this.credit -= bytes;
    this.unread += bytes;
    return true;
  }

  /**
   * The consumer has read so much.
   * @param rttMs smallest round trip; NaN while unknown, which lets nothing grow.
   * @param shared small frames of others come the same way: no wider than needed then.
   * @returns bytes to grant now, mostly 0: a CREDIT is worth it once half of the window is used up.
   */
  consume(bytes: number, nowMs: number, rttMs: number, shared = false): number {
    this.unread -= bytes;
    this.#budget.take(-bytes);
    if (this.#finished || this.credit * 2 > this.#size) return 0;
    const held = this.credit + this.unread;
    const widest = this.#budget.widest(held);
    const size = Math.max(initialCredit, Math.min(this.#wanted(nowMs, rttMs, shared), widest));
    const grant = Math.floor(size - held);
    // While most of the window waits for its reader, small grants would only make small frames.
    if (grant * 4 < size) return 0;
    this.#size = size;
    this.#grantedAt = nowMs;
    this.#granted = true;
    this.credit += grant;
    this.#budget.take(grant);
    return grant;
  }

  /** Whether it fills the tunnel, as far as one can tell. */
  isBulk(nowMs: number): boolean {
    return nowMs - this.#grantedAt < bulkMs && this.#granted;
  }

  /** More, before anything was read: what OPENED carries. */
  widen(bytes: number): void {
    this.#size += bytes;
    this.credit += bytes;
    this.#budget.take(bytes);
  }

  /** The peer sends no more: what it did not use is free again. */
  finish(): void {
    this.#budget.take(-this.credit);
    this.credit = 0;
    this.#finished = true;
  }

  /** Nobody reads any more. */
  release(): void {
    this.#budget.take(-this.credit - this.unread);
    this.credit = 0;
    this.unread = 0;
    this.#finished = true;
  }

  #wanted(nowMs: number, rttMs: number, shared: boolean): number {
    const halfMs = nowMs - this.#grantedAt;
    const tripMs = Math.max(rttMs, shared ? shortestMs.shared : shortestMs.alone);
    // Half a window in less than two round trips: the window, not the consumer, is what limits.
    if (halfMs < 2 * tripMs) return this.#size * 2;
    return shared && halfMs > tooWide * tripMs ? this.#size / 2 : this.#size;
  }
}

const clamp = (value: number, low: number, high: number): number =>
  Math.floor(Math.max(low, Math.min(high, value)));
