/**
 * Measures the round trip of a tunnel by PING and PONG, and notices a peer that is gone. The smallest of the
 * last minute counts, not the latest: a PING queues behind bulk data like everything else, and windows that grew with
 * the queue would only make the queue longer.
 */

const rotateMs = 30_000;

export class RoundTrip {
  #sequence = 0;
  #sentAt = Number.NaN;
  #waiting = false;
  #smallest = Number.POSITIVE_INFINITY;
  #smallestBefore = Number.POSITIVE_INFINITY;
  #rotatedAt = Number.NEGATIVE_INFINITY;

  /** Milliseconds; NaN before the first PONG. */
  get ms(): number {
    const smallest = Math.min(this.#smallest, this.#smallestBefore);
    return Number.isFinite(smallest) ? smallest : Number.NaN;
  }

  /** When the last PING left, NaN before the first. */
  get sentAt(): number {
    return this.#sentAt;
  }

  /** A PING is under way. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** @returns the 8 bytes of a new PING. */
  ping(nowMs: number): Uint8Array {
    this.#sentAt = nowMs;
    this.#waiting = true;
    const bytes = new Uint8Array(8);
    for (let at = 7, rest = ++this.#sequence; at > 0; at--, rest = Math.floor(rest / 256))
      bytes[at] = rest % 256;
    return bytes;
  }

  /** A PONG with other bytes than the last PING had says nothing and is ignored. */
  pong(bytes: Uint8Array, nowMs: number): void {
    let sequence = 0;
    for (let at = 0; at < 8; at++) sequence = sequence * 256 + bytes[at]!;
    if (!this.#waiting || sequence !== this.#sequence) return;
    this.#waiting = false;
    if (nowMs - this.#rotatedAt > rotateMs) {
      this.#smallestBefore = this.#smallest;
      this.#smallest = Number.POSITIVE_INFINITY;
      this.#rotatedAt = nowMs;
    }
    this.#smallest = Math.min(this.#smallest, nowMs - this.#sentAt);
  }
}
