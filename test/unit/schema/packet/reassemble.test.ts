/** Proves schema/packet/reassemble.ts where fragments lie, are missing or too many. */
import { expect, test } from 'vitest';
import { parseFrame } from '#schema/packet/parse.ts';
import { Reassembly } from '#schema/packet/reassemble.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import { packetReassembly } from '../../../fuzz/packet-reassembly.ts';
import { SeededRandom } from '../../../fuzz/random.ts';
import { pieces, tcpSegment, udpDatagram } from '../../../fuzz/segments.ts';

const ends = (host = 2) => ({
  source: new Uint8Array([192, 168, 77, host]),
  destination: new Uint8Array([10, 66, 0, 10]),
  sourcePort: 5_000,
  destinationPort: 53,
});
const datagram = (bytes: number, host?: number) =>
  udpDatagram({ ...ends(host), data: new Uint8Array(bytes).map((_, at) => at) });

function push(reassembly: Reassembly, piece: Uint8Array, nowMs = 0): Uint8Array | undefined {
  const view = new PacketView();
  expect(parseFrame(view, piece, piece.length)).toBeUndefined();
  expect(view.fragment).toBe(true);
  return reassembly.push(view, nowMs);
}

test('what comes out is what would have come whole', () => {
  const frame = datagram(3_000);
  const reassembly = new Reassembly();
  const out = pieces(frame, 800, 0).map((piece) => push(reassembly, piece));
  expect(out.slice(0, -1)).toEqual([undefined, undefined, undefined]);
  expect(Buffer.from(out.at(-1)!).equals(frame)).toBe(true);
});

test('a piece that comes twice does no harm', () => {
  const frame = datagram(1_500);
  const [first, second] = pieces(frame, 800, 7);
  const reassembly = new Reassembly();
  push(reassembly, first!);
  push(reassembly, first!);
  expect(Buffer.from(push(reassembly, second!)!).length).toBe(frame.length);
});

test('overlapping pieces void the datagram, and what comes of it later', () => {
  const frame = datagram(1_500);
  const reassembly = new Reassembly({ waitMs: 100 });
  push(reassembly, pieces(frame, 800, 7)[0]!);
  push(reassembly, pieces(frame, 400, 7)[1]!);
  expect([reassembly.bytes, reassembly.dropped]).toEqual([0, 1]);
  for (const piece of pieces(frame, 800, 7)) expect(push(reassembly, piece)).toBeUndefined();
  reassembly.expire(100);
  expect(reassembly.size).toBe(0);
});

test('two ends that differ void it, and so does data behind the end', () => {
  for (const [one, other] of [
    [datagram(1_500), datagram(1_600)],
    [datagram(1_600), datagram(1_500)],
  ]) {
    const reassembly = new Reassembly();
    push(reassembly, pieces(one!, 800, 7)[1]!);
    expect(push(reassembly, pieces(other!, 800, 7)[1]!)).toBeUndefined();
    expect([reassembly.bytes, reassembly.dropped]).toEqual([0, 1]);
  }
});

test('the rest is not waited for for ever', () => {
  const reassembly = new Reassembly({ waitMs: 100 });
  const [first, second] = pieces(datagram(1_500), 800, 7);
  push(reassembly, first!, 0);
  expect(push(reassembly, second!, 100)).toBeUndefined();
  expect(reassembly.dropped).toBe(1);
  expect(reassembly.size).toBe(1);
});

test('datagrams of different sources and identifications are kept apart', () => {
  const reassembly = new Reassembly();
  const a = pieces(datagram(1_500, 2), 800, 7);
  const b = pieces(datagram(1_500, 3), 800, 7);
  const c = pieces(datagram(1_500, 2), 800, 8);
  for (const [first] of [a, b, c]) push(reassembly, first!);
  expect(reassembly.size).toBe(3);
  for (const [, second] of [c, b, a]) expect(push(reassembly, second!)).toBeDefined();
  expect([reassembly.size, reassembly.bytes]).toEqual([0, 0]);
});

test('one source has its share and no more; in all, the oldest makes way', () => {
  const reassembly = new Reassembly({ datagrams: 6, perSource: 2 });
  for (let id = 0; id < 100; id++) push(reassembly, pieces(datagram(1_500, 2), 800, id)[0]!);
  expect([reassembly.size, reassembly.dropped]).toEqual([2, 98]);
  for (let host = 3; host < 100; host++) push(reassembly, pieces(datagram(1_500, host), 800, 0)[0]!);
  expect(reassembly.size).toBe(6);
});

test('neither bytes nor pieces of one datagram are without bound', () => {
  const reassembly = new Reassembly({ bytes: 10_000, perSource: 100 });
  for (let id = 0; id < 100; id++) {
    push(reassembly, pieces(datagram(1_500), 800, id)[0]!);
    expect(reassembly.bytes).toBeLessThanOrEqual(10_000);
  }
  const small = new Reassembly({ pieces: 10 });
  const out = pieces(datagram(800), 8, 7).map((piece) => push(small, piece));
  expect(out.every((one) => one === undefined)).toBe(true);
  expect([small.bytes, small.dropped]).toEqual([0, 1]);
});

test('TCP in pieces is not collected', () => {
  const reassembly = new Reassembly();
  const frame = tcpSegment({ ...ends(), data: new Uint8Array(1_500) });
  for (const piece of pieces(frame, 800, 7)) expect(push(reassembly, piece)).toBeUndefined();
  expect(reassembly.size).toBe(0);
  expect(frame[19]).toBe(protocols.tcp);
});

test('pieces in any order, and attackers at random', () => {
  for (let seed = 0; seed < 200; seed++) packetReassembly.run(new SeededRandom(seed));
});
