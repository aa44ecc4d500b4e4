/**
 * What a socket's bulk is read into (`read-pooled.ts`) and gathered in (`tunnel/gather.ts`): blocks of one
 * segment, and of four for those who fill these. A read or write of four costs hardly more than one of one: Node
 * and the kernel do the same work for each, and whoever is at the other end wakes up once. Only so many
 * may have large ones at a time, so that many slow flows hold little.
 */
import type { Socket } from 'node:net';
import { BlockPool } from './block-pool.ts';
import { longestSegment } from './segment.ts';

/** 16 MiB of each kept while in use. */
const small = new BlockPool(longestSegment, 256);
const large = new BlockPool(4 * longestSegment, 64);
/** Directions of sockets. */
const mostWithLarge = 64;
/** So many in a row that a small block would have held: then small ones do. */
const smallAfter = 8;

let withLarge = 0;

/** For one direction of one socket. */
export class Blocks {
  readonly #socket: Socket;
  #isLarge = false;
  #slack = 0;
  #watched = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  take(): Buffer {
    return (this.#isLarge ? large : small).take();
  }

  /** @param block that nobody else refers to, whoever took it. */
  give(block: Buffer): void {
    (block.length === large.bytes ? large : small).give(block);
  }

  /** What a block was used for decides which ones follow. */
  used(bytes: number): void {
    if (!this.#isLarge) {
      if (bytes === small.bytes && withLarge < mostWithLarge && !this.#socket.destroyed) this.#grow();
    } else if (bytes > small.bytes) this.#slack = 0;
    else if (++this.#slack >= smallAfter) this.#shrink();
  }

  #grow(): void {
    this.#isLarge = true;
    this.#slack = 0;
    withLarge++;
    if (!this.#watched) this.#socket.once('close', () => this.#shrink());
    this.#watched = true;
  }

  #shrink(): void {
    if (!this.#isLarge) return;
    this.#isLarge = false;
    withLarge--;
  }
}
