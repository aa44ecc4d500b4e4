/**
 * Transparent mode's tables under programs, a listener, a caller and attackers that do what they like: never a throw,
 * never more than the limits, nothing kept at the end, and what is rewritten goes where it belongs.
 */
import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import { transportChecksumHolds } from '#schema/packet/checksum.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { PacketView } from '#schema/packet/view.ts';
import { FlowTable, type TcpFlow } from '#schema/transparent/flows.ts';
import type { SeededRandom } from './random.ts';
import { tcpSegment } from './segments.ts';
import type { Target } from './target.ts';

const limits = {
  held: 12,
  heldPerSource: 6,
  heldGraceMs: 150,
  acceptGraceMs: 60,
  flows: 24,
  flowsPerSource: 14,
  heldMs: 500,
  acceptMs: 200,
  lingerMs: 100,
  closingMs: 400,
};
const device = new Uint8Array([100, 96, 0, 1]);
const first = new Uint8Array([100, 96, 0, 2]);
const listenerPort = 40_000;

export const transparentFlows: Target = {
  name: 'transparent/flows',
  run(random) {
    const table = new FlowTable<{ ended: boolean }>({
      sides: { 4: { device, listenerPort, peers: { first, count: 2 } } },
      random32: () => random.int(2 ** 32),
      limits,
    });
    const flows: TcpFlow<{ ended: boolean }>[] = [];
    let now = 0;
    for (let step = 0; step < 300; step++) {
      now += random.int(20);
      const flow = flows.length > 0 ? random.pick(flows) : undefined;
      const dice = random.int(10);
      if (dice < 5) programSays(random, table, flows, now);
      else if (flow === undefined) continue;
      else if (dice === 5) said(table.connected(flow, now));
      else if (dice === 6) said(table.refuse(flow, random.pick(['reset', 'host', 'prohibited'])));
      else if (dice === 7) listenerAccepts(table, flow, now);
      else if (dice === 8) listenerSays(random, table, flow, now);
      else table.release(flow, now);
      if (random.chance(0.05)) for (const late of table.sweep(now)) equal(late.state, 'gone');
      const { held, open, closing } = table.counts;
      ok(held <= limits.held && table.size <= limits.flows);
      equal(held + open + closing, table.size);
    }
    for (const flow of flows) table.release(flow, now);
    table.sweep(now + 1_000);
    deepStrictEqual([table.size, table.counts], [0, { held: 0, open: 0, closing: 0 }]);
  },
};

type Table = FlowTable<{ ended: boolean }>;

function programSays(
  random: SeededRandom,
  table: Table,
  flows: TcpFlow<{ ended: boolean }>[],
  now: number,
): void {
  const source = new Uint8Array([192, 168, 77, 1 + random.int(3)]);
  const destination = random.chance(0.95) ? new Uint8Array([10, 66, 0, 10]) : first;
  const flags = random.pick([0x02, 0x02, 0x02, 0x10, 0x11, 0x04, 0x14, random.int(256)]);
  const ends = { source, destination, sourcePort: 1 + random.int(12), destinationPort: 443 };
  const view = parsed(tcpSegment({ ...ends, flags, data: random.bytes(random.int(9)) }));
  switch (table.take(view, now)) {
    case 'open':
      equal(table.flow!.state, 'held');
      equal(table.evicted?.state ?? 'gone', 'gone');
      flows.push(table.flow!);
      break;
    case 'cancel':
      equal(table.flow!.state, 'gone');
      break;
    case 'write':
    case 'inject': {
      const inward = parsed(view.frame);
      ok(transportChecksumHolds(inward));
      deepStrictEqual([inward.destination, inward.destinationPort], [device, listenerPort]);
      break;
    }
    case 'reply':
      said(table.reply);
  }
}

function listenerAccepts(table: Table, flow: TcpFlow<{ ended: boolean }>, now: number): void {
  const accepting = flow.state === 'accepting';
  const address = first.slice();
  address[3]! += flow.peer;
  if (accepting) equal(table.accepted(address, flow.peerPort, now), flow);
  else equal(flow.state !== 'gone' && table.accepted(address, flow.peerPort, now) === flow, false);
}

function listenerSays(
  random: SeededRandom,
  table: Table,
  flow: TcpFlow<{ ended: boolean }>,
  now: number,
): void {
  const destination = first.slice();
  destination[3]! += flow.peer;
  const flags = random.pick([0x12, 0x10, 0x11, 0x14]);
  const ends = { source: device, sourcePort: listenerPort, destination, destinationPort: flow.peerPort || 9 };
  const view = parsed(tcpSegment({ ...ends, flags }));
  const action = table.take(view, now);
  if (flow.state === 'gone' || flow.state === 'held') return;
  equal(action, 'write');
  const outward = parsed(view.frame);
  ok(transportChecksumHolds(outward));
  deepStrictEqual([outward.source, outward.sourcePort], [flow.destination, flow.destinationPort]);
  deepStrictEqual([outward.destination, outward.destinationPort], [flow.source, flow.sourcePort]);
}

/** What goes to the device is a packet. */
function said(frame: Uint8Array | undefined): void {
  if (frame !== undefined && frame.length > 0) ok(transportChecksumHolds(parsed(frame.slice())));
}

function parsed(frame: Uint8Array): PacketView {
  const view = new PacketView();
  equal(parseFrame(view, frame, frame.length), undefined);
  return view;
}
