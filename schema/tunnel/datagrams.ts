/**
 * Datagrams that wait in front of a tunnel's socket. They are for the moment: whoever sends more than leaves
 * loses the oldest, as a device's queue would, and no stream can take the others' room. `outbox.ts` lets them
 * out ahead of bytes that can wait.
 */
import { writeHeader } from './encode.ts';
import { frameTypes, headerBytes } from './frames.ts';
import type { MuxStream } from './stream.ts';

/** Of one stream, and of all; a datagram counts for what keeping it takes. */
const mostOfStream = 256 * 1024;
const mostInAll = 4 * 1024 * 1024;
const overhead = 64;
/** Bytes of one stream in one turn: several datagrams of a network's size. */
const turnBytes = 8 * 1024;
const longest = 0xffff;

export const costOf = (datagram: Uint8Array): number => datagram.length + overhead;

export class DatagramQueue {
  /** Streams with datagrams, in turn. */
  readonly #turns: MuxStream[] = [];
  #from = 0;
  #cost = 0;
  /** That have left. */
  served = 0;

  get empty(): boolean {
    return this.#from === this.#turns.length;
  }

  /** @returns false when one was lost: this one, or an older one of its stream that made room. */
  give(stream: MuxStream, datagram: Uint8Array): boolean {
    const cost = costOf(datagram);
    if (datagram.length > longest) return false;
    const fair = mostInAll / Math.max(1, this.#turns.length - this.#from);
    const most = Math.min(mostOfStream, fair);
    let lost = false;
    while (stream.datagramCost > 0 && stream.datagramCost + cost > most) {
      this.#cost -= costOf(stream.shiftDatagram()!);
      lost = true;
    }
    if (this.#cost + cost > mostInAll) return false;
    stream.pushDatagram(datagram);
    this.#cost += cost;
    if (!stream.inDatagramTurns) this.#turns.push(stream);
    stream.inDatagramTurns = true;
    return !lost;
  }

  /** The stream is over. */
  drop(stream: MuxStream): void {
    this.#cost -= stream.datagramCost;
    stream.clearDatagrams();
  }

  /**
   * Writes what fits, as long as it begins before `until`.
   * @param onEmptied the stream's last one has left.
   * @returns the offset behind it.
   */
  take(into: Uint8Array, at: number, until: number, onEmptied: (stream: MuxStream) => void): number {
    let next = at;
    while (next < until && !this.empty) {
      const stream = this.#turns[this.#from]!;
      const end = Math.min(until, next + turnBytes);
      let datagram = stream.firstDatagram;
      while (datagram !== undefined && next < end) {
        // It will be the first of the next buffer.
        if (next + headerBytes + datagram.length > into.length) return next;
        next = writeHeader(into, next, frameTypes.DATAGRAM, stream.id, datagram.length);
        into.set(datagram, next);
        next += datagram.length;
        this.#cost -= costOf(datagram);
        this.served++;
        stream.shiftDatagram();
        datagram = stream.firstDatagram;
      }
      this.#advance();
      if (datagram !== undefined) this.#turns.push(stream);
      else {
        stream.inDatagramTurns = false;
        onEmptied(stream);
      }
    }
    return next;
  }

  #advance(): void {
    if (++this.#from < this.#turns.length && this.#from < 1024) return;
    this.#turns.splice(0, this.#from);
    this.#from = 0;
  }
}
