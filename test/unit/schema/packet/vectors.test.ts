/** Proves schema/packet/ against frames of a real kernel, and answers that another program made. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatIp, parseIp } from '#schema/name/ip.ts';
import {
  buildEchoReply,
  buildReset,
  buildUdp,
  buildUnreachable,
  longestBuilt,
  type Unreachable,
} from '#schema/packet/build.ts';
import { transportChecksumHolds } from '#schema/packet/checksum.ts';
import { type Malformed, parseFrame } from '#schema/packet/parse.ts';
import { Reassembly } from '#schema/packet/reassemble.ts';
import { finishChecksum, rewriteOf, rewriteTcp } from '#schema/packet/rewrite.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';

interface Packet {
  name: string;
  hex: string;
  family: 4 | 6;
  protocol: number;
  source: string;
  destination: string;
  partial: boolean;
  ports?: [number, number];
  flags?: number;
  echo?: [number, number];
  data?: string;
  fragment?: { id: number; offset: number; more: boolean };
}
const vectors: {
  packets: Packet[];
  malformed: { why: string; error: Malformed; hex: string }[];
  answers: { to: string; answer: string; hex: string; mtu?: number; id?: number; data?: string }[];
  rewritten: {
    name: string;
    from: string;
    hex: string;
    source: [string, number];
    destination: [string, number];
  }[];
  reassembled: { pieces: string[]; data: string }[];
} = JSON.parse(readFileSync(new URL('../../../vectors/packets.json', import.meta.url), 'utf8'));
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const textOf = (view: PacketView, bytes: Uint8Array) => formatIp({ family: view.family, bytes });

function parsed(bytes: Uint8Array): PacketView {
  const view = new PacketView();
  expect(parseFrame(view, bytes, bytes.length)).toBeUndefined();
  return view;
}
const packetOf = (name: string) => parsed(bytesOf(vectors.packets.find((one) => one.name === name)!.hex));

describe('packets of a kernel are read', () => {
  for (const packet of vectors.packets) {
    test(packet.name, () => {
      const view = parsed(bytesOf(packet.hex));
      expect({
        family: view.family,
        protocol: view.protocol,
        source: textOf(view, view.source),
        destination: textOf(view, view.destination),
        partial: view.partial,
      }).toEqual({
        family: packet.family,
        protocol: packet.protocol,
        source: packet.source,
        destination: packet.destination,
        partial: packet.partial,
      });
      if (packet.fragment) {
        const { fragmentId: id, fragmentOffset: offset, moreFragments: more, fragment } = view;
        expect({ fragment, id, offset, more }).toEqual({ fragment: true, ...packet.fragment });
        return;
      }
      expect(view.fragment).toBe(false);
      expect(hexOf(view.data)).toBe(packet.data);
      if (packet.ports) expect([view.sourcePort, view.destinationPort]).toEqual(packet.ports);
      if (packet.flags) expect(view.flags).toBe(packet.flags);
      expect(view.isEchoRequest).toBe(packet.echo !== undefined);
      if (packet.echo) expect([view.echoIdentifier, view.echoSequence]).toEqual(packet.echo);
      expect(transportChecksumHolds(view)).toBe(true);
    });
  }
});

describe('what is malformed is not taken', () => {
  for (const { why, error, hex } of vectors.malformed) {
    test(why, () => {
      const bytes = bytesOf(hex);
      expect(parseFrame(new PacketView(), bytes, bytes.length)).toBe(error);
    });
  }

  test('no beginning of a packet passes for the packet', () => {
    for (const { hex } of vectors.packets) {
      const bytes = bytesOf(hex);
      for (let length = 0; length < bytes.length; length++) {
        expect(parseFrame(new PacketView(), bytes, length)).toBeDefined();
      }
    }
  });

  test('a length beyond the buffer is not believed', () => {
    const bytes = bytesOf(vectors.packets[0]!.hex);
    expect(parseFrame(new PacketView(), bytes, bytes.length + 1)).toBe('short');
  });

  test('what follows a packet in the buffer is not part of it', () => {
    for (const { hex } of vectors.packets) {
      const bytes = bytesOf(hex);
      const longer = new Uint8Array(bytes.length + 20).fill(0xee);
      longer.set(bytes);
      expect(parsed(longer).end).toBe(bytes.length);
    }
  });
});

describe('answers', () => {
  for (const { to, answer, hex, mtu, id = 0, data = '' } of vectors.answers) {
    test(`${answer} to ${to}`, () => {
      const view = packetOf(to);
      const into = new Uint8Array(longestBuilt).fill(0xaa);
      const back = { source: view.destination, destination: view.source, id };
      let length: number;
      if (answer === 'reset') length = buildReset(into, view);
      else if (answer === 'datagram') {
        const ports = { sourcePort: view.destinationPort, destinationPort: view.sourcePort };
        length = buildUdp(into, { ...back, ...ports, data: bytesOf(data) });
      } else if (answer === 'echo') {
        const { echoIdentifier: identifier, echoSequence: sequence } = view;
        length = buildEchoReply(into, { ...back, identifier, sequence, data: view.data });
      } else length = buildUnreachable(into, view, answer as Unreachable, mtu);
      expect(hexOf(into.subarray(0, length))).toBe(hex);
    });
  }

  test('a reset is not answered', () => {
    const view = packetOf('tcp4 syn');
    view.flags = 0x14;
    expect(buildReset(new Uint8Array(longestBuilt), view)).toBe(0);
  });

  test('a segment that acknowledges gets a reset at the place it named', () => {
    const bytes = bytesOf(vectors.packets.find((one) => one.name === 'tcp4 syn')!.hex);
    bytes.set([0x11, 0x22, 0x33, 0x44], 10 + 20 + 8);
    bytes[10 + 20 + 13] = 0x10;
    const into = new Uint8Array(longestBuilt);
    const length = buildReset(into, parsed(bytes));
    const answer = parsed(into.slice(0, length));
    expect(answer.flags).toBe(0x04);
    expect(hexOf(into.subarray(answer.transport + 4, answer.transport + 12))).toBe('1122334400000000');
    expect(transportChecksumHolds(answer)).toBe(true);
  });

  test('an ICMP error, or a later piece, gets no ICMP error', () => {
    const into = new Uint8Array(longestBuilt);
    for (const name of ['udp4', 'udp6']) {
      const length = buildUnreachable(into, packetOf(name), 'port');
      const error = parsed(into.slice(0, length));
      expect(buildUnreachable(new Uint8Array(longestBuilt), error, 'host')).toBe(0);
    }
    for (const [name, answered] of [
      ['udp4 fragment 1', true],
      ['udp4 fragment 2', false],
      ['udp6 fragment 2', false],
      ['echo4', true],
      ['echo6', true],
    ] as const) {
      expect(buildUnreachable(into, packetOf(name), 'host') > 0, name).toBe(answered);
    }
  });

  test('of a long packet as much is quoted as the standards allow', () => {
    const into = new Uint8Array(longestBuilt);
    expect(buildUnreachable(into, packetOf('udp4 fragment 1'), 'host')).toBe(10 + 576);
    expect(buildUnreachable(into, packetOf('udp6 fragment 1'), 'host')).toBe(10 + 1280);
  });

  test('data longer than a packet are not sent', () => {
    const into = new Uint8Array(longestBuilt);
    const ends = {
      source: new Uint8Array(4),
      destination: new Uint8Array(4),
      sourcePort: 1,
      destinationPort: 1,
      id: 0,
    };
    expect(buildUdp(into, { ...ends, data: new Uint8Array(65_507) })).toBe(longestBuilt);
    expect(buildUdp(into, { ...ends, data: new Uint8Array(65_508) })).toBe(0);
  });
});

describe('rewriting in place', () => {
  for (const { name, from, hex, source, destination } of vectors.rewritten) {
    test(name, () => {
      const view = parsed(bytesOf(from));
      const end = ([address, port]: [string, number]) => ({ address: parseIp(address)!.bytes, port });
      const to = { source: end(source), destination: end(destination) };
      rewriteTcp(
        view,
        rewriteOf(
          {
            source: { address: view.source, port: view.sourcePort },
            destination: { address: view.destination, port: view.destinationPort },
          },
          to,
        ),
      );
      expect(hexOf(view.frame)).toBe(hex);
      const again = parsed(view.frame);
      finishChecksum(again);
      const whole = parsed(again.frame);
      expect(whole.partial).toBe(false);
      expect(transportChecksumHolds(whole)).toBe(true);
    });
  }
});

describe('fragments of a kernel become its datagram', () => {
  for (const { pieces, data } of vectors.reassembled) {
    for (const order of [pieces, pieces.toReversed()]) {
      test(order.join(', '), () => {
        const reassembly = new Reassembly();
        const frames = order.map((name) => reassembly.push(packetOf(name), 0));
        expect(frames[0]).toBeUndefined();
        const view = parsed(frames[1]!);
        expect([view.fragment, view.protocol, view.end]).toEqual([false, protocols.udp, frames[1]!.length]);
        expect(hexOf(view.data)).toBe(data);
        expect(transportChecksumHolds(view)).toBe(true);
        expect([reassembly.size, reassembly.bytes, reassembly.dropped]).toEqual([0, 0, 0]);
      });
    }
  }
});
