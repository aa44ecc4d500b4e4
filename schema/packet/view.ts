/**
 * One packet, as offsets into the frame that it arrived in: made once, and filled anew by `parse.ts` for each
 * packet, so that reading one allocates nothing. Everything after parsing works on this.
 */
import { virtioHeaderBytes } from './virtio.ts';

export const protocols = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

/** TCP flags (RFC 9293 §3.1). */
export const tcp = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const;

/** Where the IP packet begins in every frame. */
export const ipStart = virtioHeaderBytes;

/**
 * Memory outside of V8's heap costs microseconds and a share of the next collection each time: datagrams of a usual size
 * share it, a dozen or so. Not more, for one that waits keeps all of it.
 */
const slabBytes = 16 * 1024;
/** Shorter ones are within the heap, longer ones worth memory of their own. */
const ownBytes = { least: 64, most: 4 * 1024 };

export class PacketView {
  /** virtio_net_hdr, then the packet; longer than both, perhaps. Overwritten by the next packet. */
  frame: Uint8Array = empty;
  /** What `frame` was made from. */
  #given: Uint8Array = empty;
  #slab = new Uint8Array(0);
  #usedOfSlab = slabBytes;
  /** Of the frame: where the packet ends, by its own length field. */
  end = 0;
  family: 4 | 6 = 4;
  /** The transport's number, after all extension headers that are followed. */
  protocol = 0;
  /** Of the frame: where the transport header begins; of a fragment, its data. */
  transport = 0;
  /** Of the frame: what TCP, UDP or an ICMP message (behind its first eight bytes) carries. */
  payload = 0;
  payloadEnd = 0;
  /** TCP and UDP alone; never 0 there. */
  sourcePort = 0;
  destinationPort = 0;
  /** TCP alone: the flags byte. */
  flags = 0;
  /** The kernel left the transport checksum to be finished (virtio NEEDS_CSUM). */
  partial = false;
  /** Part of a packet: nothing behind the IP header was read; see `reassemble.ts`. */
  fragment = false;
  /** Bytes. */
  fragmentOffset = 0;
  moreFragments = false;
  fragmentId = 0;
  /** Of the frame: IPv6, where the Fragment header begins. */
  fragmentHeader = 0;
  /** Of the frame: IPv6, the byte that names the Fragment header as the next one. */
  fragmentPointer = 0;

  /**
   * Sets `frame`, over the same memory. Of a subclass (Node's Buffer, whose `slice` copies nothing) it is made a plain
   * array, so that a slice is a copy; the device gives the same buffer each time, so that this happens once.
   */
  lookAt(frame: Uint8Array): void {
    if (frame === this.#given) return;
    this.#given = frame;
    this.frame = isPlain(frame) ? frame : new Uint8Array(frame.buffer, frame.byteOffset, frame.length);
  }

  get addressBytes(): 4 | 16 {
    return this.family === 4 ? 4 : 16;
  }
  get sourceAt(): number {
    return ipStart + (this.family === 4 ? 12 : 8);
  }
  get destinationAt(): number {
    return ipStart + (this.family === 4 ? 16 : 24);
  }
  /** A copy. */
  get source(): Uint8Array<ArrayBuffer> {
    return copy(this.frame, this.sourceAt, this.addressBytes);
  }
  /** A copy. */
  get destination(): Uint8Array<ArrayBuffer> {
    return copy(this.frame, this.destinationAt, this.addressBytes);
  }
  /** A copy of what the packet carries. */
  get data(): Uint8Array<ArrayBuffer> {
    const length = this.payloadEnd - this.payload;
    if (length <= ownBytes.least || length > ownBytes.most) return copy(this.frame, this.payload, length);
    if (this.#usedOfSlab + length > slabBytes) {
      this.#slab = new Uint8Array(slabBytes);
      this.#usedOfSlab = 0;
    }
    const bytes = this.#slab.subarray(this.#usedOfSlab, this.#usedOfSlab + length);
    this.#usedOfSlab += length;
    bytes.set(this.frame.subarray(this.payload, this.payloadEnd));
    return bytes;
  }
  /** ICMP alone. */
  get icmpType(): number {
    return this.frame[this.transport]!;
  }
  get icmpCode(): number {
    return this.frame[this.transport + 1]!;
  }
  /** ICMP echo alone (RFC 792, RFC 4443 §4). */
  get echoIdentifier(): number {
    return get16(this.frame, this.transport + 4);
  }
  get echoSequence(): number {
    return get16(this.frame, this.transport + 6);
  }
  /** What tells flows of two hosts apart, in 32 bits: the ports, or an echo's identifier above 16 zeros. */
  get selector(): number {
    return this.protocol === protocols.tcp || this.protocol === protocols.udp
      ? get32(this.frame, this.transport)
      : get16(this.frame, this.transport + 4) << 16;
  }
  /** A question of ping: echo request of either family. */
  get isEchoRequest(): boolean {
    return this.protocol === protocols.icmp
      ? this.icmpType === 8 && this.icmpCode === 0
      : this.protocol === protocols.icmp6 && this.icmpType === 128 && this.icmpCode === 0;
  }
}

const empty = new Uint8Array(0);

const isPlain = (bytes: Uint8Array): boolean => Object.getPrototypeOf(bytes) === Uint8Array.prototype;

export const get16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** Signed, as JavaScript's bits are. */
export const get32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;

export function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value);
}

/** By hand: for an address a call of `set` takes longer. */
function copy(from: Uint8Array, at: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (length > ownBytes.least) {
    bytes.set(from.subarray(at, at + length));
    return bytes;
  }
  for (let i = 0; i < length; i++) bytes[i] = from[at + i]!;
  return bytes;
}
