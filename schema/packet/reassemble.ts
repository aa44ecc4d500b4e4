/**
 * Puts the fragments of a UDP datagram (or of a ping) back together: devices behind a gateway send what is longer
 * than their MTU in pieces. Bounded in datagrams, in bytes and in time, as a whole and per source, and strict:
 * pieces that overlap void the datagram (RFC 5722, RFC 8200 §4.5). TCP in fragments is not taken: TCP avoids them.
 * What comes out is parsed again by `parse.ts`.
 */
import { checksumOf } from './checksum.ts';
import { get16, ipStart, type PacketView, protocols, put16 } from './view.ts';

export interface ReassemblyLimits {
  /** Datagrams of which something is missing, in all and of one source. */
  datagrams: number;
  perSource: number;
  /** Bytes kept, in all. */
  bytes: number;
  /** Pieces of one datagram. */
  pieces: number;
  /** How long the rest is waited for, from the first piece to come. */
  waitMs: number;
}

export const reassemblyLimits: ReassemblyLimits = {
  datagrams: 256,
  perSource: 32,
  bytes: 4 * 1024 * 1024,
  pieces: 128,
  waitMs: 5_000,
};

interface Piece {
  offset: number;
  bytes: Uint8Array;
}

interface Datagram {
  source: string;
  sinceMs: number;
  /** The headers before the data, of the piece at offset 0. */
  head: Uint8Array | undefined;
  pieces: Piece[];
  /** Of the pieces and the head. */
  kept: number;
  /** Of the data; undefined until the last piece has come. */
  total: number | undefined;
  /** Overlapped: swallows its further pieces until its time is over. */
  voided: boolean;
}

export class Reassembly {
  /** By source, destination, protocol and identification; oldest first. */
  readonly #datagrams = new Map<string, Datagram>();
  readonly #perSource = new Map<string, number>();
  readonly #limits: ReassemblyLimits;
  #bytes = 0;
  /** Given up: too late, too many, or overlapping. */
  dropped = 0;

  constructor(limits: Partial<ReassemblyLimits> = {}) {
    this.#limits = { ...reassemblyLimits, ...limits };
  }

  get size(): number {
    return this.#datagrams.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a packet whose `view.fragment` is set. What it keeps, it copies.
   * @returns the whole packet as a frame of its own, once its last piece has come.
   */
  push(view: PacketView, nowMs: number): Uint8Array | undefined {
    this.expire(nowMs);
    if (!reassembled.has(view.protocol)) return undefined;
    const key = keyOf(view);
    const datagram = this.#datagrams.get(key) ?? this.#begin(view, key, nowMs);
    if (datagram === undefined || datagram.voided) return undefined;
    if (!this.#take(view, datagram)) {
      this.#void(datagram);
      return undefined;
    }
    while (this.#bytes > this.#limits.bytes && this.#dropOldest());
    if (!this.#datagrams.has(key) || !isWhole(datagram)) return undefined;
    this.#remove(key, datagram);
    return joined(view, datagram);
  }

  /** Gives up what has waited for too long; also part of every `push`. */
  expire(nowMs: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (nowMs - datagram.sinceMs < this.#limits.waitMs) break;
      this.#remove(key, datagram);
      if (!datagram.voided) this.dropped++;
    }
  }

  #begin(view: PacketView, key: string, nowMs: number): Datagram | undefined {
    const source = textOf(view.frame, view.sourceAt, view.sourceAt + view.addressBytes);
    const ofSource = this.#perSource.get(source) ?? 0;
    if (ofSource >= this.#limits.perSource) {
      this.dropped++;
      return undefined;
    }
    if (this.#datagrams.size >= this.#limits.datagrams) this.#dropOldest();
    const datagram: Datagram = {
      source,
      sinceMs: nowMs,
      head: undefined,
      pieces: [],
      kept: 0,
      total: undefined,
      voided: false,
    };
    this.#datagrams.set(key, datagram);
    this.#perSource.set(source, ofSource + 1);
    return datagram;
  }

  /** @returns false when it contradicts what is there already, or there are too many. */
  #take(view: PacketView, datagram: Datagram): boolean {
    const { fragmentOffset: offset, transport, end } = view;
    const length = end - transport;
    const last = offset + length;
    if (!view.moreFragments) {
      if (datagram.total !== undefined && datagram.total !== last) return false;
      datagram.total = last;
    }
    const { pieces } = datagram;
    let at = pieces.length;
    while (at > 0 && pieces[at - 1]!.offset > offset) at--;
    const [before, after] = [pieces[at - 1], pieces[at]];
    // A router may double a piece; anything else that overlaps is an attack.
    if (before !== undefined && before.offset === offset && before.bytes.length === length) return true;
    if (before !== undefined && before.offset + before.bytes.length > offset) return false;
    if (after !== undefined && last > after.offset) return false;
    const furthest = pieces.at(-1);
    const highest = Math.max(last, furthest === undefined ? 0 : furthest.offset + furthest.bytes.length);
    if (datagram.total !== undefined && highest > datagram.total) return false;
    if (pieces.length >= this.#limits.pieces) return false;
    pieces.splice(at, 0, { offset, bytes: view.frame.slice(transport, end) });
    this.#keep(datagram, length);
    if (offset === 0) {
      datagram.head = headOf(view);
      this.#keep(datagram, datagram.head.length);
    }
    return true;
  }

  #keep(datagram: Datagram, bytes: number): void {
    datagram.kept += bytes;
    this.#bytes += bytes;
  }

  #void(datagram: Datagram): void {
    this.dropped++;
    this.#bytes -= datagram.kept;
    Object.assign(datagram, { voided: true, pieces: [], head: undefined, kept: 0 });
  }

  #dropOldest(): boolean {
    for (const [key, datagram] of this.#datagrams) {
      this.#remove(key, datagram);
      if (!datagram.voided) this.dropped++;
      return true;
    }
    return false;
  }

  #remove(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key);
    this.#bytes -= datagram.kept;
    const left = this.#perSource.get(datagram.source)! - 1;
    if (left === 0) this.#perSource.delete(datagram.source);
    else this.#perSource.set(datagram.source, left);
  }
}

/** Protocols worth the memory. */
const reassembled: ReadonlySet<number> = new Set([protocols.udp, protocols.icmp, protocols.icmp6]);

/** RFC 791 §3.2, RFC 8200 §4.5: what the pieces of one packet have in common. */
const keyOf = (view: PacketView): string =>
  `${view.fragmentId}.${view.protocol}.${textOf(view.frame, view.sourceAt, view.destinationAt + view.addressBytes)}`;

function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** The headers without what made it a fragment. */
function headOf(view: PacketView): Uint8Array {
  if (view.family === 4) return view.frame.slice(0, view.transport);
  const head = view.frame.slice(0, view.fragmentHeader);
  head[view.fragmentPointer] = view.protocol;
  return head;
}

function isWhole({ pieces, total, head }: Datagram): boolean {
  if (total === undefined || head === undefined) return false;
  let next = 0;
  for (const { offset, bytes } of pieces) {
    if (offset !== next) return false;
    next += bytes.length;
  }
  return next === total;
}

/** Undefined where it would be longer than a packet can be. */
function joined({ family }: PacketView, { head, pieces, total }: Datagram): Uint8Array | undefined {
  const headBytes = head!.length;
  const length = headBytes - ipStart + total!;
  if (length > (family === 4 ? 65_535 : 65_575)) return undefined;
  const frame = new Uint8Array(headBytes + total!);
  frame.set(head!);
  frame.fill(0, 0, ipStart);
  for (const { offset, bytes } of pieces) frame.set(bytes, headBytes + offset);
  if (family === 6) {
    put16(frame, ipStart + 4, length - 40);
    return frame;
  }
  put16(frame, ipStart + 2, length);
  put16(frame, ipStart + 6, get16(frame, ipStart + 6) & 0x4000);
  put16(frame, ipStart + 10, 0);
  put16(frame, ipStart + 10, checksumOf(frame, ipStart, headBytes));
  return frame;
}
