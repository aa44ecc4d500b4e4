/**
 * Writes the packets that transparent mode answers with itself: a TCP reset, "unreachable", a UDP datagram, a
 * ping's answer. Each goes into a buffer of the caller's, as a whole frame of the TUN device; `parse.ts` is what
 * it answers to.
 */
import { checksumOf, pseudoSum } from './checksum.ts';
import { get32, ipStart, type PacketView, protocols, put16, put32, tcp } from './view.ts';
import { clearVirtioHeader, leaveChecksum } from './virtio.ts';

/** Bytes that an answer's buffer must have: the device's header and the longest IP packet. */
export const longestBuilt = ipStart + 65_535;

/** The longest data of one datagram: the packet is at most 65,535 bytes, the largest MTU of a TUN device. */
export const longestDatagram = { 4: 65_535 - 28, 6: 65_535 - 48 } as const;

/**
 * A UDP datagram; the kernel finishes its checksum. Addresses both of 4 or both of 16 bytes.
 * @param id IPv4 identification, different for each, since a router may cut the packet.
 * @returns the frame's length; 0 when the data are longer than `longestDatagram`.
 */
export function buildUdp(
  into: Uint8Array,
  o: {
    source: Uint8Array;
    sourcePort: number;
    destination: Uint8Array;
    destinationPort: number;
    data: Uint8Array;
    id: number;
  },
): number {
  const length = 8 + o.data.length;
  if (o.data.length > longestDatagram[o.source.length === 4 ? 4 : 6]) return 0;
  const at = ipHeader(into, o.source, o.destination, protocols.udp, length, o.id);
  leaveChecksum(into, at - ipStart, 6);
  put16(into, at, o.sourcePort);
  put16(into, at + 2, o.destinationPort);
  put16(into, at + 4, length);
  put16(into, at + 6, pseudo(into, at, o.source, protocols.udp, length));
  into.set(o.data, at + 8);
  return at + length;
}

/**
 * RFC 9293 §3.10.7.1: the reset that a segment gets where nobody listens. To a SYN it is ECONNREFUSED at the
 * program, to a later segment ECONNRESET.
 * @returns the frame's length; 0 to a reset, which is never answered.
 */
export function buildReset(into: Uint8Array, view: PacketView): number {
  if ((view.flags & tcp.rst) !== 0) return 0;
  const { frame, transport, flags } = view;
  const at = ipHeader(into, view.destination, view.source, protocols.tcp, 20, 0);
  clearVirtioHeader(into);
  put16(into, at, view.destinationPort);
  put16(into, at + 2, view.sourcePort);
  if ((flags & tcp.ack) !== 0) {
    put32(into, at + 4, get32(frame, transport + 8));
    put32(into, at + 8, 0);
    into[at + 13] = tcp.rst;
  } else {
    const taken =
      view.payloadEnd - view.payload + ((flags & tcp.syn) !== 0 ? 1 : 0) + ((flags & tcp.fin) !== 0 ? 1 : 0);
    put32(into, at + 4, 0);
    put32(into, at + 8, (get32(frame, transport + 4) + taken) | 0);
    into[at + 13] = tcp.rst | tcp.ack;
  }
  into[at + 12] = 5 << 4;
  put16(into, at + 14, 0);
  put32(into, at + 16, 0);
  put16(into, at + 16, checksumOf(into, at, at + 20, pseudo(into, at, view.source, protocols.tcp, 20)));
  return at + 20;
}

/**
 * Type and code of ICMP and ICMPv6 (RFC 792, RFC 1812 §5.2.7.1; RFC 4443 §3). The program sees EHOSTUNREACH for `host` and
 * `prohibited` (ICMPv6: EACCES), ENETUNREACH for `network`, ECONNREFUSED for `port` on a datagram, EMSGSIZE for `too_big`.
 */
export const unreachable = {
  network: { icmp: [3, 0], icmp6: [1, 0] },
  host: { icmp: [3, 1], icmp6: [1, 3] },
  port: { icmp: [3, 3], icmp6: [1, 4] },
  prohibited: { icmp: [3, 13], icmp6: [1, 1] },
  too_big: { icmp: [3, 4], icmp6: [2, 0] },
} as const;

export type Unreachable = keyof typeof unreachable;

/**
 * "Unreachable", as if the packet's destination said so itself, with the beginning of the packet as it was sent.
 * @param mtu with `too_big`: the longest packet that would pass.
 * @returns the frame's length; 0 where none may be sent: to an ICMP error or to a later fragment (RFC 1122 §3.2.2).
 */
export function buildUnreachable(into: Uint8Array, view: PacketView, kind: Unreachable, mtu = 0): number {
  if ((view.fragment && view.fragmentOffset > 0) || isIcmpError(view)) return 0;
  const four = view.family === 4;
  const protocol = four ? protocols.icmp : protocols.icmp6;
  const quoted = Math.min(view.end - ipStart, four ? 576 - 28 : 1280 - 48);
  const at = ipHeader(into, view.destination, view.source, protocol, 8 + quoted, 0);
  clearVirtioHeader(into);
  const [type, code] = unreachable[kind][four ? 'icmp' : 'icmp6'];
  into[at] = type;
  into[at + 1] = code;
  put16(into, at + 2, 0);
  put32(into, at + 4, kind === 'too_big' ? mtu : 0);
  for (let i = 0; i < quoted; i++) into[at + 8 + i] = view.frame[ipStart + i]!;
  return finishIcmp(into, at, view.source, 8 + quoted);
}

/** @returns the frame's length; 0 when the data are longer than `longestDatagram`. `source` is who was asked. */
export function buildEchoReply(
  into: Uint8Array,
  o: {
    source: Uint8Array;
    destination: Uint8Array;
    identifier: number;
    sequence: number;
    data: Uint8Array;
    /** As for `buildUdp`. */
    id: number;
  },
): number {
  const four = o.source.length === 4;
  if (o.data.length > longestDatagram[four ? 4 : 6]) return 0;
  const length = 8 + o.data.length;
  const protocol = four ? protocols.icmp : protocols.icmp6;
  const at = ipHeader(into, o.source, o.destination, protocol, length, o.id);
  clearVirtioHeader(into);
  into[at] = four ? 0 : 129;
  into[at + 1] = 0;
  put16(into, at + 2, 0);
  put16(into, at + 4, o.identifier);
  put16(into, at + 6, o.sequence);
  into.set(o.data, at + 8);
  return finishIcmp(into, at, o.source, length);
}

function finishIcmp(into: Uint8Array, at: number, address: Uint8Array, length: number): number {
  const initial = address.length === 4 ? 0 : pseudo(into, at, address, protocols.icmp6, length);
  put16(into, at + 2, checksumOf(into, at, at + length, initial));
  return at + length;
}

/** Also of a kind that nobody knows: errors are 0–127 in ICMPv6; in ICMP, whatever asks and answers nothing. */
function isIcmpError(view: PacketView): boolean {
  if (view.family === 6) return view.protocol === protocols.icmp6 && view.icmpType < 128;
  return view.protocol === protocols.icmp && view.icmpType !== 8;
}

/** @returns where the transport header begins. `source` and `destination` may lie in another frame. */
function ipHeader(
  into: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
  id: number,
): number {
  if (source.length === 4) {
    into[ipStart] = 0x45;
    into[ipStart + 1] = 0;
    put16(into, ipStart + 2, 20 + length);
    put16(into, ipStart + 4, id);
    put16(into, ipStart + 6, 0);
    into[ipStart + 8] = hopLimit;
    into[ipStart + 9] = protocol;
    put16(into, ipStart + 10, 0);
    into.set(source, ipStart + 12);
    into.set(destination, ipStart + 16);
    put16(into, ipStart + 10, checksumOf(into, ipStart, ipStart + 20));
    return ipStart + 20;
  }
  put32(into, ipStart, 0x60000000);
  put16(into, ipStart + 4, length);
  into[ipStart + 6] = protocol;
  into[ipStart + 7] = hopLimit;
  into.set(source, ipStart + 8);
  into.set(destination, ipStart + 24);
  return ipStart + 40;
}

const hopLimit = 64;

const pseudo = (
  frame: Uint8Array,
  transport: number,
  address: Uint8Array,
  protocol: number,
  length: number,
): number => {
  const bytes = address.length === 4 ? 4 : 16;
  return pseudoSum(frame, transport - 2 * bytes, bytes, protocol, length);
};
