/**
 * Buffers of one size that are used again once nothing reads them any more: shared by all tunnels and flows
 * of the process, so that those at rest hold none.
 */
export class BlockPool {
  readonly #bytes: number;
  readonly #most: number;
  readonly #free: Buffer[] = [];

  /** @param most free blocks kept; more than that are left to the collector. */
  constructor(bytes: number, most: number) {
    this.#bytes = bytes;
    this.#most = most;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** @param block that nobody else refers to. */
  give(block: Buffer): void {
    if (this.#free.length < this.#most) this.#free.push(block);
  }
}
