/** Proves schema/transparent/associations.ts: whose datagram it is, when it ends, and who makes way. */
import { expect, test } from 'vitest';
import { parseIp } from '#schema/name/ip.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import { type AssociationLimits, AssociationTable } from '#schema/transparent/associations.ts';
import { SeededRandom } from '../../../fuzz/random.ts';
import { echoRequest, type Segment, udpDatagram } from '../../../fuzz/segments.ts';
import { transparentAssociations } from '../../../fuzz/transparent-flows.ts';

const ip = (text: string) => parseIp(text)!.bytes;
const ends = {
  source: ip('192.168.77.2'),
  sourcePort: 5_000,
  destination: ip('10.66.0.10'),
  destinationPort: 53,
};

function tableOf(limits: Partial<AssociationLimits> = {}): AssociationTable {
  const random = new SeededRandom(1);
  return new AssociationTable({ limits, random32: () => random.int(2 ** 32) });
}
function view(segment: Segment, make = udpDatagram): PacketView {
  const frame = make(segment);
  const view = new PacketView();
  expect(parseFrame(view, frame, frame.length)).toBeUndefined();
  return view;
}

test('datagrams of one source and destination are one association', () => {
  const table = tableOf();
  expect(table.take(view(ends), 0)).toBe('open');
  const { association } = table;
  expect(association).toMatchObject({ ...ends, protocol: protocols.udp, answered: false });
  expect(table.take(view(ends), 1)).toBe('send');
  expect(table.association).toBe(association);
  for (const other of [{ sourcePort: 5_001 }, { destinationPort: 54 }, { destination: ip('10.66.0.11') }]) {
    expect(table.take(view({ ...ends, ...other }), 1)).toBe('open');
  }
});

test('a ping is one by its identifier, whatever its sequence', () => {
  const table = tableOf();
  const six = { ...ends, source: ip('fd77::2'), destination: ip('fd66::10') };
  for (const [at, protocol] of [
    [ends, protocols.icmp],
    [six, protocols.icmp6],
  ] as const) {
    const first = view(at, echoRequest);
    expect(table.take(first, 0)).toBe('open');
    expect(table.association).toMatchObject({ protocol, sourcePort: 5_000, destinationPort: 0 });
    const second = view({ ...at, data: new Uint8Array(20) }, echoRequest);
    expect(table.take(second, 1)).toBe('send');
  }
});

test('what was never answered ends sooner than what was', () => {
  const table = tableOf({ unansweredMs: 30, idleMs: 120 });
  table.take(view(ends), 0);
  const silent = table.association!;
  table.take(view({ ...ends, sourcePort: 6_000 }), 0);
  const lively = table.association!;
  expect(table.answered(lively, 10)).toBe(true);
  expect(table.sweep(29)).toEqual([]);
  expect(table.sweep(30)).toEqual([silent]);
  expect(table.sweep(129)).toEqual([]);
  expect(table.sweep(130)).toEqual([lively]);
  expect([table.size, table.answered(lively, 131)]).toEqual([0, false]);
});

test('a scan of ports evicts its own, the longest idle first', () => {
  const table = tableOf({ associations: 100, perSource: 10 });
  table.take(view({ ...ends, source: ip('192.168.77.3') }), 0);
  const stranger = table.association!;
  table.take(view(ends), 1);
  const first = table.association!;
  for (let port = 1; port < 10; port++) table.take(view({ ...ends, destinationPort: port }), 2);
  table.take(view(ends), 3);
  table.take(view({ ...ends, destinationPort: 99 }), 4);
  expect(table.evicted).toMatchObject({ destinationPort: 1, gone: true });
  expect([first.gone, stranger.gone, table.size]).toEqual([false, false, 11]);
});

test('when all is full, the longest idle of all makes way', () => {
  const table = tableOf({ associations: 5, perSource: 5 });
  for (let host = 1; host <= 50; host++) {
    table.take(view({ ...ends, source: ip(`192.168.77.${host}`) }), host);
    if (host > 5) expect(table.evicted!.source).toEqual(ip(`192.168.77.${host - 5}`));
  }
  expect(table.size).toBe(5);
});

test('one that its caller removed is opened anew by the next datagram', () => {
  const table = tableOf();
  table.take(view(ends), 0);
  const before = table.association!;
  table.remove(before);
  table.remove(before);
  expect(table.take(view(ends), 1)).toBe('open');
  expect(table.association).not.toBe(before);
});

test('programs at random', () => {
  for (let seed = 0; seed < 200; seed++) transparentAssociations.run(new SeededRandom(seed));
});
