/**
 * Buffers of one size that are used again once nothing reads them any more: shared by all tunnels and flows
 * of the process, so that those at rest hold none. What was not needed for a while goes back to the system.
 */
export class BlockPool {
  readonly bytes: number;
  readonly #most: number;
  readonly #free: Buffer[] = [];
  /** The fewest that were free since the last look: nobody needed those. */
  #spare = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param most free blocks kept; more than that are left to the collector. */
  constructor(bytes: number, most: number) {
    this.bytes = bytes;
    this.#most = most;
  }

  take(): Buffer {
    const block = this.#free.pop();
    if (this.#free.length < this.#spare) this.#spare = this.#free.length;
    return block ?? Buffer.allocUnsafeSlow(this.bytes);
  }

  /** @param block that nobody else refers to. */
  give(block: Buffer): void {
    if (this.#free.length >= this.#most) return;
    this.#free.push(block);
    this.#timer ??= setInterval(this.#shrink, shrinkMs).unref();
  }

  readonly #shrink = (): void => {
    this.#free.length -= this.#spare;
    this.#spare = this.#free.length;
    if (this.#spare > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  };
}

/** After two of them without any use a pool is empty. */
const shrinkMs = 2_000;
