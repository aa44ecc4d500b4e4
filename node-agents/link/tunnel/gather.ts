/**
 * Writes what a flow delivers, record by record, to a socket in few large pieces: a system call costs as much
 * as copying many records. What is small and alone is written at once. Used by `splice.ts`.
 */
import type { Socket } from 'node:net';
import { Blocks } from '../blocks.ts';

/** Below it nothing more of the same flow is to be expected in this turn of the event loop. */
const aloneBelow = 8 * 1024;

export class Gather {
  readonly #socket: Socket;
  readonly #onPassed: () => void;
  readonly #blocks: Blocks;
  #block: Buffer | undefined;
  #filled = 0;
  #scheduled = false;

  /** @param onPassed `waiting` has become less. */
  constructor(socket: Socket, onPassed: () => void) {
    this.#socket = socket;
    this.#onPassed = onPassed;
    this.#blocks = new Blocks(socket);
  }

  /** Bytes that were put and that the system has not taken. */
  get waiting(): number {
    return this.#filled + this.#socket.writableLength;
  }

  /** @returns whether the slice is still in use after the call. */
  put(slice: Uint8Array): boolean {
    if (slice.length < aloneBelow && this.waiting === 0) {
      this.#socket.write(slice, this.#onPassed);
      return this.#socket.writableLength > 0;
    }
    for (let at = 0; at < slice.length; ) {
      this.#block ??= this.#blocks.take();
      const block = this.#block;
      const part = slice.subarray(at, at + block.length - this.#filled);
      block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === block.length) this.flush();
    }
    if (this.#filled > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flushWhenIdle);
    }
    return false;
  }

  flush(): void {
    const block = this.#block;
    if (block === undefined) return;
    const bytes = block.subarray(0, this.#filled);
    this.#blocks.used(this.#filled);
    this.#block = undefined;
    this.#filled = 0;
    this.#socket.write(bytes, () => {
      this.#blocks.give(block);
      this.#onPassed();
      this.#flushWhenIdle();
    });
  }

  /** While the socket is busy the block goes on filling: a slow reader holds full blocks, not many begun ones. */
  readonly #flushWhenIdle = (): void => {
    this.#scheduled = false;
    if (this.#socket.writableLength === 0) this.flush();
  };
}
