/**
 * What waits in front of a tunnel's socket, and in which order it leaves: control frames, then credit, then
 * datagrams, which are worth nothing when they are late, but no more than half of it while streams have bytes to
 * send, then the streams in turn. `mux.ts` decides what goes in; `fill` writes it into a buffer just before it is sent, so
 * that nothing which leaves later has to wait behind what was decided earlier.
 */

import { DatagramQueue } from './datagrams.ts';
import { writeHeader, writeUint32 } from './encode.ts';
import { frameTypes, headerBytes } from './frames.ts';
import { ControlQueue, TurnQueue } from './queues.ts';
import type { MuxStream } from './stream.ts';

/** Bytes of one stream in one turn, header included: eight TLS records. */
export const turnBytes = 128 * 1024;
/** Of one that did not send lately, and so comes before the others: one record, for it may be bulk all the same. */
export const firstTurnBytes = 16 * 1024;
/** A buffer given to `fill` has at least this size: any datagram fits. */
export const minFill = 68 * 1024;
/** Less than this is not worth a part of a longer chunk. */
const minPart = 1024;

export class Outbox {
  readonly control = new ControlQueue();
  readonly #turns = new TurnQueue();
  readonly #datagrams = new DatagramQueue();
  readonly #granted: MuxStream[] = [];
  readonly #onFinished: (stream: MuxStream) => void;
  #fills = 0;
  #turnsServed = 0;

  /** @param onFinished the stream's FIN has been written. */
  constructor(onFinished: (stream: MuxStream) => void) {
    this.#onFinished = onFinished;
  }

  /** Frames that streams have sent. */
  get framesServed(): number {
    return this.#turnsServed + this.#datagrams.served;
  }

  /** The stream may have become sendable. @returns whether it is. */
  turn(stream: MuxStream): boolean {
    if (!stream.sendable) return false;
    this.#turns.push(stream, stream.servedIn >= this.#fills - 1);
    return true;
  }

  /** The peer may send so many bytes more: told once, by the next `fill`. */
  grant(stream: MuxStream, bytes: number): void {
    if (stream.grant === 0) this.#granted.push(stream);
    stream.grant += bytes;
  }

  /** @returns false when one was lost: this one, or an older one of its stream. */
  giveDatagram(stream: MuxStream, bytes: Uint8Array): boolean {
    return this.#datagrams.give(stream, bytes);
  }

  /** The stream is over: what waits is dropped. */
  drop(stream: MuxStream): void {
    stream.clear();
    this.#datagrams.drop(stream);
  }

  /** Writes as much as there is and fits. @returns the number of bytes. */
  fill(into: Uint8Array): number {
    this.#fills++;
    let at = this.#fillCredit(into, this.control.take(into, 0));
    at = this.#datagrams.take(into, at, into.length / 2, this.#onLastDatagram);
    // A control frame that arises meanwhile comes before what follows it: with the next fill.
    while (this.control.length === 0) {
      const most = this.#turns.hasQuiet ? firstTurnBytes : turnBytes;
      const stream = this.#turns.shift();
      if (stream === undefined) break;
      const next = this.#take(stream, into, at, most);
      const more = stream.sendable;
      if (more) this.#turns.push(stream, true);
      // What is left of the buffer is too small for it.
      if (more && next === at) return at;
      at = next;
    }
    return this.#datagrams.take(into, at, into.length, this.#onLastDatagram);
  }

  readonly #onLastDatagram = (stream: MuxStream): void => void this.turn(stream);

  #fillCredit(into: Uint8Array, from: number): number {
    let at = from;
    while (this.#granted.length > 0 && at + headerBytes + 4 <= into.length) {
      const stream = this.#granted.pop()!;
      if (!stream.gone && !stream.peerFinished) {
        at = writeHeader(into, at, frameTypes.CREDIT, stream.id, 4);
        at = writeUint32(into, at, stream.grant);
      }
      stream.grant = 0;
    }
    return at;
  }

  /** One turn of one stream. @returns the offset behind it, `at` itself when nothing fitted. */
  #take(stream: MuxStream, into: Uint8Array, at: number, most: number): number {
    if (!stream.sendable) return at;
    stream.servedIn = this.#fills;
    this.#turnsServed++;
    const room = Math.min(into.length - at, most);
    if (stream.pendingBytes > 0) {
      const count = Math.min(stream.pendingBytes, stream.credit, room - headerBytes);
      if (count <= 0 || (count < stream.pendingBytes && room < minPart)) return at;
      const from = writeHeader(into, at, frameTypes.DATA, stream.id, count);
      stream.take(into, from, count);
      stream.credit -= count;
      if (stream.pendingBytes === 0) stream.handler.onSent();
      return from + count;
    }
    if (room < headerBytes) return at;
    const end = writeHeader(into, at, frameTypes.FIN, stream.id, 0);
    stream.finished = true;
    this.#onFinished(stream);
    stream.handler.onSent();
    return end;
  }
}
