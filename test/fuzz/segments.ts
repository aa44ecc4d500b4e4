/** TCP segments, datagrams and pings as frames of a TUN device, for tests and fuzz targets: checksums whole. */
import { sumOf } from '#schema/packet/checksum.ts';
import { ipStart, protocols, put16, put32 } from '#schema/packet/view.ts';

export interface Segment {
  source: Uint8Array;
  sourcePort: number;
  destination: Uint8Array;
  destinationPort: number;
  flags?: number;
  seq?: number;
  ack?: number;
  data?: Uint8Array;
}

export function tcpSegment({ flags = 0x10, seq = 0, ack = 0, data = nothing, ...ends }: Segment): Uint8Array {
  const body = new Uint8Array(20 + data.length);
  put32(body, 4, seq);
  put32(body, 8, ack);
  body[12] = 0x50;
  body[13] = flags;
  put16(body, 14, 0xffff);
  body.set(data, 20);
  return packet(protocols.tcp, body, 16, ends);
}

export function udpDatagram({ data = nothing, ...ends }: Segment): Uint8Array {
  const body = new Uint8Array(8 + data.length);
  put16(body, 4, body.length);
  body.set(data, 8);
  return packet(protocols.udp, body, 6, ends);
}

/** `sourcePort` is the identifier. */
export function echoRequest({ data = nothing, ...ends }: Segment): Uint8Array {
  const four = ends.source.length === 4;
  const body = new Uint8Array(8 + data.length);
  body[0] = four ? 8 : 128;
  put16(body, 4, ends.sourcePort);
  body.set(data, 8);
  return packet(four ? protocols.icmp : protocols.icmp6, body, 2, ends);
}

/** An IPv4 datagram in pieces of at most `size` bytes, a multiple of 8. */
export function pieces(frame: Uint8Array, size: number, id: number): Uint8Array[] {
  const body = frame.subarray(ipStart + 20);
  const all: Uint8Array[] = [];
  for (let offset = 0; offset < body.length; offset += size) {
    const part = body.subarray(offset, offset + size);
    const piece = new Uint8Array(ipStart + 20 + part.length);
    piece.set(frame.subarray(0, ipStart + 20));
    piece.set(part, ipStart + 20);
    put16(piece, ipStart + 2, 20 + part.length);
    put16(piece, ipStart + 4, id);
    put16(piece, ipStart + 6, (offset / 8) | (offset + size < body.length ? 0x2000 : 0));
    put16(piece, ipStart + 10, 0);
    put16(piece, ipStart + 10, ~sumOf(piece, ipStart, ipStart + 20) & 0xffff);
    all.push(piece);
  }
  return all;
}

const nothing = new Uint8Array(0);

function packet(protocol: number, body: Uint8Array, field: number, ends: Segment): Uint8Array {
  const four = ends.source.length === 4;
  const at = ipStart + (four ? 20 : 40);
  const frame = new Uint8Array(at + body.length);
  if (protocol === protocols.tcp || protocol === protocols.udp) {
    put16(body, 0, ends.sourcePort);
    put16(body, 2, ends.destinationPort);
  }
  frame[ipStart] = four ? 0x45 : 0x60;
  put16(frame, ipStart + (four ? 2 : 4), four ? 20 + body.length : body.length);
  frame[ipStart + (four ? 8 : 7)] = 64;
  frame[ipStart + (four ? 9 : 6)] = protocol;
  frame.set(ends.source, ipStart + (four ? 12 : 8));
  frame.set(ends.destination, ipStart + (four ? 16 : 24));
  const pseudo =
    protocol === protocols.icmp
      ? 0
      : protocol +
        body.length +
        sumOf(ends.source, 0, ends.source.length) +
        sumOf(ends.destination, 0, ends.destination.length);
  put16(body, field, ~sumOf(body, 0, body.length, pseudo) & 0xffff);
  if (four) put16(frame, ipStart + 10, ~sumOf(frame, ipStart, ipStart + 20) & 0xffff);
  frame.set(body, at);
  return frame;
}
