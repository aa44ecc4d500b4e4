/**
 * The packet parser: no bytes make it throw or point outside of the packet; what it took can be answered and
 * rewritten, and what comes of that is a packet whose checksums hold.
 */
import { equal, ok } from 'node:assert/strict';
import {
  buildReset,
  buildUnreachable,
  longestBuilt,
  type Unreachable,
  unreachable,
} from '#schema/packet/build.ts';
import { sumOf, transportChecksumHolds } from '#schema/packet/checksum.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { finishChecksum, rewriteOf, rewriteTcp } from '#schema/packet/rewrite.ts';
import { ipStart, PacketView, protocols } from '#schema/packet/view.ts';
import type { SeededRandom } from './random.ts';
import { echoRequest, pieces, type Segment, tcpSegment, udpDatagram } from './segments.ts';
import type { Target } from './target.ts';

const into = new Uint8Array(longestBuilt);

export const packetParse: Target = {
  name: 'packet/parse',
  run(random) {
    const frame = anyFrame(random);
    const whole = parsed(frame);
    ok(whole, 'a packet that is right is taken');
    if (!whole.fragment) {
      ok(transportChecksumHolds(whole));
      if (whole.protocol === protocols.tcp) rewritten(random, whole);
    }

    const bent = bend(random, frame);
    const view = parsed(bent);
    if (view === undefined) return;
    withinBounds(view, bent.length);
    transportChecksumHolds(view);
    answered(random, view);
  },
};

export function anyFrame(random: SeededRandom): Uint8Array {
  const bytes = random.pick([4, 16]);
  const address = () => {
    const one = random.bytes(bytes);
    one[0] = bytes === 4 ? 10 : 0xfd;
    return one;
  };
  const segment: Segment = {
    source: address(),
    destination: address(),
    sourcePort: 1 + random.int(65_535),
    destinationPort: 1 + random.int(65_535),
    flags: random.int(256),
    seq: random.int(2 ** 32),
    ack: random.int(2 ** 32),
    data: random.bytes(random.chance(0.1) ? random.int(2000) : random.int(40)),
  };
  const frame = random.pick([tcpSegment, udpDatagram, echoRequest])(segment);
  if (bytes === 16 || random.chance(0.8)) return frame;
  return random.pick(pieces(frame, 8 * (1 + random.int(20)), random.int(65_536)));
}

export function bend(random: SeededRandom, frame: Uint8Array): Uint8Array {
  const bent = random.chance(0.2) ? frame.slice(0, random.int(frame.length + 1)) : frame.slice();
  for (let flips = random.int(6); flips > 0 && bent.length > 0; flips--) {
    const at = random.chance(0.8) ? random.int(Math.min(bent.length, 72)) : random.int(bent.length);
    bent[at] = random.chance(0.5)
      ? bent[at]! ^ (1 << random.int(8))
      : random.pick([0, 44, 43, 60, 255, random.int(256)]);
  }
  return bent;
}

function parsed(frame: Uint8Array): PacketView | undefined {
  const view = new PacketView();
  return parseFrame(view, frame, frame.length) === undefined ? view : undefined;
}

function withinBounds(view: PacketView, length: number): void {
  ok(view.end <= length && view.transport <= view.end && view.transport >= ipStart + 20);
  ok(view.payload >= view.transport && view.payloadEnd >= view.payload && view.payloadEnd <= view.end);
  equal(view.data.length, view.payloadEnd - view.payload);
}

function rewritten(random: SeededRandom, view: PacketView): void {
  const end = () => ({ address: random.bytes(view.addressBytes), port: 1 + random.int(65_535) });
  const from = {
    source: { address: view.source, port: view.sourcePort },
    destination: { address: view.destination, port: view.destinationPort },
  };
  const to = { source: end(), destination: end() };
  for (const one of [to.source, to.destination]) one.address[0] = view.family === 4 ? 10 : 0xfd;
  const before = view.frame.slice();
  rewriteTcp(view, rewriteOf(from, to));
  const changed = parsed(view.frame);
  ok(changed && transportChecksumHolds(changed) && ipHolds(changed));
  equal(changed.sourcePort, to.source.port);
  equal(changed.destinationPort, to.destination.port);
  rewriteTcp(changed, rewriteOf(to, from));
  const back = parsed(view.frame)!;
  finishChecksum(back);
  ok(Buffer.from(before).equals(view.frame), 'there and back again');
}

function answered(random: SeededRandom, view: PacketView): void {
  const kind = random.pick(Object.keys(unreachable) as Unreachable[]);
  const lengths = [buildUnreachable(into, view, kind, random.int(65_536))];
  checked(lengths[0]!);
  if (view.protocol === protocols.tcp && !view.fragment) checked(buildReset(into, view));
}

function checked(length: number): void {
  if (length === 0) return;
  const answer = parsed(into.slice(0, length));
  ok(answer && transportChecksumHolds(answer) && ipHolds(answer));
}

const ipHolds = ({ family, frame }: PacketView): boolean =>
  family === 6 || sumOf(frame, ipStart, ipStart + (frame[ipStart]! & 15) * 4) === 0xffff;
