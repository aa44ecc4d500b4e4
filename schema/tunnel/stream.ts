/**
 * One stream of a tunnel: what is to be sent, and the window of what is received. `mux.ts` keeps the table of
 * them; whoever carries the flow talks to it through a `StreamHandler` and the methods of the mux.
 */
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { costOf } from './datagrams.ts';
import type { ReceiveWindow } from './window.ts';

export interface StreamHandler {
  /** To the Client's side: the destination was reached, at this address. */
  onOpened(resolved: string): void;
  /** Counts as unread until `mux.consumed`. A part of the chunk given to `mux.receive`, and valid for as long. */
  onData(slice: Uint8Array): void;
  /** Valid during the call only. */
  onDatagram(bytes: Uint8Array): void;
  /** The peer sends no more. */
  onEnd(): void;
  /** The flow is over, both ways: by RESET, or with its tunnel. */
  onReset(code: ErrorCode): void;
  /** All that `mux.send` was given has been copied, the next may be given; after `mux.finish`: FIN has left. */
  onSent(): void;
}

export class MuxStream {
  readonly id: number;
  readonly protocol: Destination['protocol'];
  readonly window: ReceiveWindow;
  handler: StreamHandler;
  /** The Connector has said OPENED, or is us and has. */
  opened = false;
  /** No longer in the table: nothing is sent or handed on. */
  gone = false;
  /** No DATA follows: ours, theirs. */
  finished = false;
  peerFinished = false;
  /** FIN goes out behind what waits. */
  finishing = false;
  /** What we may still send. */
  credit: number;
  /** In the queue of those that take turns, and in the one of those with datagrams. */
  queued = false;
  inDatagramTurns = false;
  /** The number of the `fill` in which it sent last. */
  servedIn = -2;
  /** Credit to be told with the next CREDIT. */
  grant = 0;
  #pending: Uint8Array[] = [];
  /** Bytes of the first pending that have gone. */
  #from = 0;
  pendingBytes = 0;
  #datagrams: Uint8Array[] = [];
  /** Of those that wait, as `datagrams.ts` counts it. */
  datagramCost = 0;

  constructor(
    id: number,
    protocol: Destination['protocol'],
    window: ReceiveWindow,
    credit: number,
    handler: StreamHandler,
  ) {
    this.id = id;
    this.protocol = protocol;
    this.window = window;
    this.credit = credit;
    this.handler = handler;
  }

  /** Whether a turn would send anything; FIN follows the last datagram. */
  get sendable(): boolean {
    if (this.gone) return false;
    if (this.pendingBytes > 0) return this.credit > 0;
    return this.finishing && !this.finished && this.#datagrams.length === 0;
  }

  give(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.pendingBytes += bytes.length;
  }

  /** Copies `count` pending bytes. */
  take(into: Uint8Array, at: number, count: number): void {
    this.pendingBytes -= count;
    let left = count;
    let done = 0;
    while (left > 0) {
      const first = this.#pending[done]!;
      const available = first.length - this.#from;
      if (available > left) {
        into.set(first.subarray(this.#from, this.#from + left), at);
        this.#from += left;
        break;
      }
      into.set(this.#from === 0 ? first : first.subarray(this.#from), at);
      at += available;
      left -= available;
      this.#from = 0;
      done++;
    }
    if (done === this.#pending.length) this.#pending.length = 0;
    else if (done > 0) this.#pending.splice(0, done);
  }

  /** Kept as they are. */
  pushDatagram(bytes: Uint8Array): void {
    this.#datagrams.push(bytes);
    this.datagramCost += costOf(bytes);
  }

  get firstDatagram(): Uint8Array | undefined {
    return this.#datagrams[0];
  }

  shiftDatagram(): Uint8Array | undefined {
    const datagram = this.#datagrams.shift();
    if (datagram !== undefined) this.datagramCost -= costOf(datagram);
    return datagram;
  }

  clearDatagrams(): void {
    this.#datagrams = [];
    this.datagramCost = 0;
  }

  /** Drops what waits, but for datagrams. */
  clear(): void {
    this.#pending = [];
    this.#from = 0;
    this.pendingBytes = 0;
  }
}
