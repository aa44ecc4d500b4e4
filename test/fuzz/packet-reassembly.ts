/**
 * Fragments in any order, doubled, missing and forged: what comes out whole is what went in, and neither datagrams nor
 * bytes nor the share of one source outgrow their bounds.
 */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { transportChecksumHolds } from '#schema/packet/checksum.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { Reassembly } from '#schema/packet/reassemble.ts';
import { PacketView } from '#schema/packet/view.ts';
import type { SeededRandom } from './random.ts';
import { pieces, udpDatagram } from './segments.ts';
import type { Target } from './target.ts';

const limits = { datagrams: 8, perSource: 3, bytes: 8_000, pieces: 20, waitMs: 1_000 };

export const packetReassembly: Target = {
  name: 'packet/reassembly',
  run(random) {
    inAnyOrder(random);
    withoutBounds(random);
  },
};

/** One datagram, its pieces shuffled and some of them twice. */
function inAnyOrder(random: SeededRandom): void {
  const data = random.bytes(200 + random.int(2000));
  const size = 8 * (10 + random.int(60));
  const all = pieces(datagram(random, data), size, random.int(65_536));
  for (const piece of [...all]) if (random.chance(0.2)) all.push(piece);
  const reassembly = new Reassembly({ pieces: 64 });
  let whole: Uint8Array | undefined;
  while (all.length > 0 && whole === undefined) {
    whole = push(reassembly, all.splice(random.int(all.length), 1)[0]!, 0);
  }
  const view = parsed(whole!);
  deepStrictEqual(Buffer.from(view.data), Buffer.from(data));
  ok(!view.fragment && transportChecksumHolds(view));
  deepStrictEqual([reassembly.size, reassembly.bytes, reassembly.dropped], [0, 0, 0]);
}

/** Many datagrams of few sources and identifications, so that they meet and overlap. */
function withoutBounds(random: SeededRandom): void {
  const reassembly = new Reassembly(limits);
  let now = 0;
  for (let step = 0; step < 60; step++) {
    now += random.int(60);
    const all = pieces(
      datagram(random, random.bytes(50 + random.int(3000))),
      8 * (1 + random.int(80)),
      random.int(4),
    );
    for (let count = random.int(6); count > 0; count--) push(reassembly, random.pick(all), now);
    ok(reassembly.size <= limits.datagrams && reassembly.bytes <= limits.bytes);
  }
  reassembly.expire(now + limits.waitMs);
  deepStrictEqual([reassembly.size, reassembly.bytes], [0, 0]);
}

const datagram = (random: SeededRandom, data: Uint8Array) =>
  udpDatagram({
    source: new Uint8Array([192, 168, 77, 1 + random.int(4)]),
    destination: new Uint8Array([10, 66, 0, 10]),
    sourcePort: 1000 + random.int(3),
    destinationPort: 53,
    data,
  });

function parsed(frame: Uint8Array): PacketView {
  const view = new PacketView();
  ok(parseFrame(view, frame, frame.length) === undefined);
  return view;
}

function push(reassembly: Reassembly, piece: Uint8Array, now: number): Uint8Array | undefined {
  const view = parsed(piece);
  if (!view.fragment) return piece;
  const whole = reassembly.push(view, now);
  // A forged one may be no datagram, but the parser is asked again.
  if (whole !== undefined) ok(parseFrame(view, whole, whole.length) !== undefined || !view.fragment);
  return whole;
}
