/**
 * Reads one frame of the TUN device: IPv4 with options, IPv6 with extension headers, TCP, UDP, ICMP. What it is
 * given may come from anybody on the LAN, so that every length is checked here, once: what passed may be read
 * and rewritten without further checks. Next on its way: `transparent/flows.ts`, `associations.ts`.
 */

import { get16, get32, ipStart, type PacketView, protocols } from './view.ts';
import { checksumOffsetOf, checksumStartOf, gso, gsoTypeOf, needsChecksum } from './virtio.ts';

/** Why a frame is not taken; nothing is answered to such a one. */
export type Malformed =
  | 'short'
  | 'version'
  | 'length'
  | 'address'
  | 'source_route'
  | 'extension'
  | 'fragment'
  | 'transport'
  | 'virtio';

/** IPv6 extension headers that are followed in one packet; more is nobody's traffic (RFC 9098 §7). */
export const mostExtensions = 8;

/**
 * Fills `view` from the first `length` bytes of `frame`. Other protocols than TCP, UDP and ICMP pass with their number alone.
 * @returns undefined, or why the frame is not taken; then `view` means nothing.
 */
export function parseFrame(view: PacketView, frame: Uint8Array, length: number): Malformed | undefined {
  if (length < ipStart + 20 || length > frame.length) return 'short';
  view.lookAt(frame);
  view.partial = (frame[0]! & needsChecksum) !== 0;
  view.fragment = view.moreFragments = false;
  view.fragmentOffset = view.fragmentId = 0;
  view.sourcePort = view.destinationPort = view.flags = 0;
  const version = frame[ipStart]! >> 4;
  if (version !== 4 && version !== 6) return 'version';
  view.family = version;
  const wrong = version === 4 ? parseV4(view, length) : parseV6(view, length);
  if (wrong !== undefined) return wrong;
  if (!isUnicast(view, view.sourceAt) || !isUnicast(view, view.destinationAt)) return 'address';
  view.payload = view.transport;
  view.payloadEnd = view.end;
  return view.fragment ? undefined : parseTransport(view);
}

function parseV4(view: PacketView, length: number): Malformed | undefined {
  const { frame } = view;
  const headerBytes = (frame[ipStart]! & 15) * 4;
  const total = get16(frame, ipStart + 2);
  if (headerBytes < 20 || total < headerBytes || ipStart + total > length) return 'length';
  view.end = ipStart + total;
  view.protocol = frame[ipStart + 9]!;
  view.transport = ipStart + headerBytes;
  if (headerBytes > 20 && hasSourceRoute(frame, ipStart + 20, view.transport)) return 'source_route';
  const word = get16(frame, ipStart + 6);
  if ((word & 0x3fff) === 0) return undefined;
  view.fragmentId = get16(frame, ipStart + 4);
  return fragment(view, (word & 0x1fff) * 8, (word & 0x2000) !== 0);
}

/** RFC 791 §3.1: with one of these, the destination that is read is not where the packet is to end. */
function hasSourceRoute(frame: Uint8Array, at: number, end: number): boolean {
  while (at < end) {
    const option = frame[at]!;
    if (option === 0) return false;
    if (option === 131 || option === 137) return true;
    if (option === 1) at++;
    else if (at + 1 >= end || frame[at + 1]! < 2) return false;
    else at += frame[at + 1]!;
  }
  return false;
}

function parseV6(view: PacketView, length: number): Malformed | undefined {
  const { frame } = view;
  if (length < ipStart + 40) return 'short';
  view.end = ipStart + 40 + get16(frame, ipStart + 4);
  if (view.end > length) return 'length';
  let pointer = ipStart + 6;
  let at = ipStart + 40;
  for (let count = 0; ; count++) {
    const next = frame[pointer]!;
    if (!isExtension(next)) {
      view.protocol = next;
      view.transport = at;
      return undefined;
    }
    if (count === mostExtensions || at + 8 > view.end) return 'extension';
    if (next === extension.hopByHop && count > 0) return 'extension';
    if (next === extension.routing && frame[at + 3] !== 0) return 'source_route';
    const word = get16(frame, at + 2);
    if (next === extension.fragment && (word & 0xfff9) !== 0) {
      view.protocol = frame[at]!;
      view.transport = at + 8;
      view.fragmentHeader = at;
      view.fragmentPointer = pointer;
      view.fragmentId = get32(frame, at + 4) >>> 0;
      return fragment(view, word & 0xfff8, (word & 1) !== 0);
    }
    pointer = at;
    at += next === extension.fragment ? 8 : 8 + frame[at + 1]! * 8;
    if (at > view.end) return 'extension';
  }
}

const extension = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const;

const isExtension = (next: number): boolean =>
  next === extension.hopByHop ||
  next === extension.routing ||
  next === extension.fragment ||
  next === extension.destination;

/** The rules of RFC 791 §3.2 and RFC 8200 §4.5 for one piece; those for several: `reassemble.ts`. */
function fragment(view: PacketView, offset: number, more: boolean): Malformed | undefined {
  const bytes = view.end - view.transport;
  if (bytes === 0 || (more && bytes % 8 !== 0) || offset + bytes > 65_535) return 'fragment';
  view.fragment = true;
  view.fragmentOffset = offset;
  view.moreFragments = more;
  return undefined;
}

/** Whether one host has this address: what is not may neither open a flow nor be answered (RFC 1122 §3.2.1.3). */
function isUnicast({ frame, family }: PacketView, at: number): boolean {
  if (family === 4) {
    const first = frame[at]!;
    return first !== 0 && first !== 127 && first < 224;
  }
  // Neither multicast nor ::/16: unspecified, loopback, and IPv4 addresses in the dress of IPv6.
  return frame[at] !== 0xff && (frame[at]! | frame[at + 1]!) !== 0;
}

function parseTransport(view: PacketView): Malformed | undefined {
  const { frame, transport, end, protocol, family } = view;
  const type = gsoTypeOf(frame);
  if (type !== gso.none && (protocol !== protocols.tcp || type !== (family === 4 ? gso.tcp4 : gso.tcp6)))
    return 'virtio';
  if (protocol === protocols.tcp) {
    if (transport + 20 > end) return 'transport';
    view.payload = transport + (frame[transport + 12]! >> 4) * 4;
    if (view.payload < transport + 20 || view.payload > end) return 'transport';
    view.flags = frame[transport + 13]!;
    return parsePorts(view, 16);
  }
  if (protocol === protocols.udp) {
    if (transport + 8 > end) return 'transport';
    const bytes = get16(frame, transport + 4);
    if (bytes < 8 || transport + bytes > end) return 'transport';
    view.payload = transport + 8;
    view.payloadEnd = transport + bytes;
    return parsePorts(view, 6);
  }
  if (protocol === (family === 4 ? protocols.icmp : protocols.icmp6)) {
    if (transport + 8 > end) return 'transport';
    view.payload = transport + 8;
  }
  return undefined;
}

/** @param field of the checksum, where the kernel leaves one to be finished. */
function parsePorts(view: PacketView, field: 6 | 16): Malformed | undefined {
  const { frame, transport } = view;
  view.sourcePort = get16(frame, transport);
  view.destinationPort = get16(frame, transport + 2);
  // Port 0 is reserved, and nobody could be answered there.
  if (view.sourcePort === 0 || view.destinationPort === 0) return 'transport';
  if (view.partial && (checksumStartOf(frame) !== transport - ipStart || checksumOffsetOf(frame) !== field))
    return 'virtio';
  return undefined;
}
