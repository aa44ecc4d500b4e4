/** Proves schema/transparent/flows.ts: a SYN waits for its answer, segments find their way, nothing is exhausted. */
import { describe, expect, test } from 'vitest';
import { parseIp } from '#schema/name/ip.ts';
import { transportChecksumHolds } from '#schema/packet/checksum.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import type { FlowLimits } from '#schema/transparent/flow.ts';
import { FlowTable, type TcpFlow } from '#schema/transparent/flows.ts';
import { SeededRandom } from '../../../fuzz/random.ts';
import { type Segment, tcpSegment } from '../../../fuzz/segments.ts';
import { transparentFlows } from '../../../fuzz/transparent-flows.ts';

const ip = (text: string) => parseIp(text)!.bytes;
const flag = { fin: 0x11, syn: 0x02, rst: 0x04, synAck: 0x12, ack: 0x10 };
const sides = {
  4: { device: ip('100.96.0.1'), listenerPort: 40_000, peers: { first: ip('100.96.0.2'), count: 2 } },
  6: { device: ip('fd53::1'), listenerPort: 40_006, peers: { first: ip('fd53::2'), count: 2 } },
};
const program = {
  source: ip('192.168.77.2'),
  sourcePort: 5_000,
  destination: ip('10.66.0.10'),
  destinationPort: 443,
};
const program6 = {
  source: ip('fd77::2'),
  sourcePort: 5_000,
  destination: ip('fd66::10'),
  destinationPort: 443,
};

function tableOf(limits: Partial<FlowLimits> = {}): FlowTable<string> {
  const random = new SeededRandom(1);
  return new FlowTable({ sides, limits, random32: () => random.int(2 ** 32) });
}

function seen(frame: Uint8Array): PacketView {
  const view = new PacketView();
  expect(parseFrame(view, frame, frame.length)).toBeUndefined();
  return view;
}
const view = (segment: Segment) => seen(tcpSegment(segment));
const toListener = (flow: TcpFlow<string>, flags: number) => {
  const side = sides[flow.tuple.family];
  const destination = side.peers.first.slice();
  destination[destination.length - 1]! += flow.peer;
  return view({
    source: side.device,
    sourcePort: side.listenerPort,
    destination,
    destinationPort: flow.peerPort,
    flags,
  });
};

function held(table: FlowTable<string>, segment: Segment = program, nowMs = 0): TcpFlow<string> {
  expect(table.take(view({ ...segment, flags: flag.syn, seq: 77 }), nowMs)).toBe('open');
  return table.flow!;
}
function opened(table: FlowTable<string>, segment: Segment = program, nowMs = 0): TcpFlow<string> {
  const flow = held(table, segment, nowMs);
  const syn = seen(table.connected(flow, nowMs)!);
  expect(table.accepted(syn.source, syn.sourcePort, nowMs)).toBe(flow);
  return flow;
}
const closed = (table: FlowTable<string>, segment: Segment = program, nowMs = 0) => {
  const flow = opened(table, segment, nowMs);
  table.take(view({ ...segment, flags: flag.fin }), nowMs);
  table.take(toListener(flow, flag.fin), nowMs);
  table.release(flow, nowMs);
  return flow;
};

test('an open flow whose program has sent a reset is told until it is released', () => {
  const table = tableOf();
  const flow = opened(table);
  expect([...table.broken]).toEqual([]);
  table.take(view({ ...program, flags: flag.rst }), 0);
  expect([...table.broken]).toEqual([flow]);
  table.release(flow, 0);
  expect([...table.broken]).toEqual([]);
  table.take(view({ ...program, flags: flag.rst }), 0);
  expect([...table.broken]).toEqual([]);
});

describe.each([
  ['IPv4', program, 4],
  ['IPv6', program6, 6],
] as const)('%s', (_family, ends, family) => {
  const side = sides[family];

  test('a SYN is held, and the program hears nothing until the far side has accepted', () => {
    const table = tableOf();
    const flow = held(table, ends);
    expect([flow.destination, flow.destinationPort]).toEqual([ends.destination, ends.destinationPort]);
    expect([flow.source, flow.sourcePort]).toEqual([ends.source, ends.sourcePort]);
    expect(table.take(view({ ...ends, flags: flag.syn, seq: 77 }), 1)).toBe('drop');
    expect(table.counts).toEqual({ held: 1, open: 0, closing: 0 });
  });

  test('then its SYN goes to the listener, whole, from an end that names the flow', () => {
    const table = tableOf();
    const flow = held(table, ends);
    const syn = seen(table.connected(flow, 5)!);
    expect([syn.destination, syn.destinationPort, syn.flags]).toEqual([
      side.device,
      side.listenerPort,
      flag.syn,
    ]);
    expect(syn.partial).toBe(false);
    expect(transportChecksumHolds(syn)).toBe(true);
    expect(table.accepted(syn.source, syn.sourcePort, 6)).toBe(flow);
    expect(table.accepted(syn.source, syn.sourcePort, 6)).toBeUndefined();
    expect(table.counts).toEqual({ held: 0, open: 1, closing: 0 });
  });

  test('segments go both ways with checksums that hold', () => {
    const table = tableOf();
    const flow = opened(table, ends);
    const inward = view({ ...ends, data: new Uint8Array([1, 2, 3]) });
    expect(table.take(inward, 1)).toBe('write');
    const at = seen(inward.frame);
    expect([at.destination, at.destinationPort, at.sourcePort]).toEqual([
      side.device,
      side.listenerPort,
      flow.peerPort,
    ]);
    expect(transportChecksumHolds(at)).toBe(true);
    const outward = toListener(flow, flag.ack);
    expect(table.take(outward, 1)).toBe('write');
    const back = seen(outward.frame);
    expect([back.source, back.sourcePort]).toEqual([ends.destination, ends.destinationPort]);
    expect([back.destination, back.destinationPort]).toEqual([ends.source, ends.sourcePort]);
    expect(transportChecksumHolds(back)).toBe(true);
  });

  test('a refusal resets, or says unreachable, and leaves nothing behind', () => {
    const table = tableOf();
    const reset = seen(table.refuse(held(table, ends), 'reset')!);
    expect([reset.flags, reset.source, reset.destinationPort]).toEqual([
      0x14,
      ends.destination,
      ends.sourcePort,
    ]);
    const flow = held(table, ends);
    const unreachable = seen(table.refuse(flow, 'host')!);
    expect(unreachable.protocol).toBe(family === 4 ? protocols.icmp : protocols.icmp6);
    expect(unreachable.icmpCode).toBe(family === 4 ? 1 : 3);
    expect([table.size, flow.state]).toEqual([0, 'gone']);
    expect(table.refuse(flow, 'host')).toBeUndefined();
    expect(table.connected(flow, 1)).toBeUndefined();
  });
});

describe('endings', () => {
  test('a program that gives up while its SYN is held, or being accepted, cancels it', () => {
    const table = tableOf();
    for (const connect of [false, true]) {
      const flow = held(table);
      if (connect) table.connected(flow, 0);
      expect(table.take(view({ ...program, flags: flag.rst }), 1)).toBe('cancel');
      expect([table.flow, flow.state, table.size]).toEqual([flow, 'gone', 0]);
    }
  });

  test('the listener that answers a flow given up gets a reset, and so does a program whose flow is unknown', () => {
    const table = tableOf();
    const flow = held(table);
    table.connected(flow, 0);
    const answer = toListener(flow, flag.synAck);
    table.take(view({ ...program, flags: flag.rst }), 1);
    expect(table.take(answer, 2)).toBe('reply');
    expect([seen(table.reply).flags, seen(table.reply).destinationPort]).toEqual([flag.rst, 40_000]);
    expect(table.take(view({ ...program, flags: flag.ack }), 2)).toBe('reply');
    expect(table.take(view({ ...program, flags: flag.rst }), 2)).toBe('drop');
    expect(table.size).toBe(0);
  });

  test('a closed flow lingers for its last segments, then is forgotten', () => {
    const table = tableOf({ lingerMs: 100, closingMs: 1_000 });
    closed(table, program, 0);
    expect(table.take(view({ ...program, flags: flag.ack }), 50)).toBe('write');
    table.sweep(149);
    expect(table.size).toBe(1);
    table.sweep(150);
    expect(table.size).toBe(0);
  });

  test('a flow with data still under way outlives its socket for longer', () => {
    const table = tableOf({ lingerMs: 100, closingMs: 1_000 });
    const flow = opened(table);
    table.take(toListener(flow, flag.fin), 0);
    table.release(flow, 0);
    table.sweep(999);
    expect(flow.state).toBe('closing');
    table.sweep(1_000);
    expect(flow.state).toBe('gone');
  });

  test('a program may connect again from the port of a flow that is over', () => {
    const table = tableOf();
    const before = closed(table);
    const flow = held(table);
    expect([before.state, flow.state, table.size]).toEqual(['gone', 'held', 1]);
  });

  test('a SYN amid an open flow goes to the listener, which challenges it', () => {
    const table = tableOf();
    opened(table);
    expect(table.take(view({ ...program, flags: flag.syn }), 1)).toBe('write');
  });

  test('of SYNs that are held for one flow, the last is handed on', () => {
    const table = tableOf();
    const flow = held(table);
    expect(table.take(view({ ...program, flags: flag.syn, seq: 99 }), 1)).toBe('drop');
    const syn = seen(table.connected(flow, 2)!);
    expect(Buffer.from(syn.frame).readUInt32BE(syn.transport + 4)).toBe(99);
  });

  test('a SYN that is repeated while the listener takes its time is handed on again', () => {
    const table = tableOf();
    table.connected(held(table), 0);
    const again = view({ ...program, flags: flag.syn, seq: 77 });
    expect(table.take(again, 1_000)).toBe('inject');
    expect(transportChecksumHolds(seen(again.frame))).toBe(true);
  });

  test('what is held or not accepted for too long is told once, and repeating does not prolong it', () => {
    const table = tableOf({ heldMs: 100, acceptMs: 50 });
    const flow = held(table);
    table.take(view({ ...program, flags: flag.syn }), 99);
    expect(table.sweep(99)).toEqual([]);
    expect(table.sweep(100)).toEqual([flow]);
    const other = held(table, program, 200);
    table.connected(other, 210);
    table.take(view({ ...program, flags: flag.ack }), 250);
    expect(table.sweep(260)).toEqual([other]);
    expect([table.sweep(1_000), table.size]).toEqual([[], 0]);
  });
});

describe('nothing is exhausted', () => {
  test('a flood of SYNs of one source leaves room for others', () => {
    const table = tableOf({ held: 20, heldPerSource: 10 });
    for (let port = 1; port <= 1_000; port++)
      table.take(view({ ...program, sourcePort: port, flags: flag.syn }), 0);
    expect([table.size, table.overflowed]).toEqual([10, 990]);
    held(table, { ...program, source: ip('192.168.77.3') });
  });

  test('one IPv6 host is one source, whichever addresses of its /64 it takes', () => {
    const table = tableOf({ heldPerSource: 10 });
    for (let host = 1; host < 100; host++) {
      table.take(view({ ...program6, source: ip(`fd77::${host.toString(16)}`), flags: flag.syn }), 0);
    }
    expect(table.size).toBe(10);
  });

  test('a port scan that is refused keeps nothing, and takes no port of the listener’s', () => {
    const table = tableOf();
    for (let port = 1; port <= 65_535; port++) {
      table.refuse(held(table, { ...program, destinationPort: port }), 'reset');
    }
    expect([table.size, table.overflowed]).toEqual([0, 0]);
  });

  test('scans without a SYN are answered like a closed port, and keep nothing', () => {
    const table = tableOf();
    for (let flags = 0; flags < 256; flags++) {
      if ((flags & 0x17) === flag.syn) continue;
      const action = table.take(view({ ...program, flags }), 0);
      expect(action).toBe((flags & flag.rst) === 0 ? 'reply' : 'drop');
    }
    expect(table.size).toBe(0);
  });

  test('a full table lets go of what is closing, never of what is open', () => {
    const table = tableOf({ flows: 3, lingerMs: 60_000 });
    const kept = opened(table, { ...program, sourcePort: 1 });
    const first = closed(table, { ...program, sourcePort: 2 });
    closed(table, { ...program, sourcePort: 3 });
    opened(table, { ...program, sourcePort: 4 });
    expect([first.state, kept.state]).toEqual(['gone', 'open']);
    opened(table, { ...program, sourcePort: 5 });
    expect(table.take(view({ ...program, sourcePort: 6, flags: flag.syn }), 0)).toBe('reply');
    expect([table.size, table.overflowed]).toEqual([3, 1]);
  });

  test('a program is told at once that the table is full of open flows, its own or everybody’s', () => {
    for (const limits of [{ flows: 2 }, { flowsPerSource: 2 }]) {
      const table = tableOf(limits);
      for (const sourcePort of [1, 2]) opened(table, { ...program, sourcePort });
      expect(table.take(view({ ...program, sourcePort: 3, flags: flag.syn }), 0)).toBe('reply');
      const told = seen(table.reply);
      expect([told.protocol, told.icmpCode, told.destination]).toEqual([protocols.icmp, 1, program.source]);
    }
  });

  test('amid a flood that never answers, who has just come waits for nobody, and who waits long makes way', () => {
    const table = tableOf({ held: 4, heldPerSource: 3, acceptGraceMs: 500, heldGraceMs: 600 });
    const flood = [1, 2, 3].map((sourcePort) => {
      const flow = held(table, { ...program, sourcePort });
      table.connected(flow, 0);
      return flow;
    });
    const slow = held(table, { ...program, source: ip('192.168.77.3') });
    const next = view({ ...program, source: ip('192.168.77.4'), flags: flag.syn });
    expect([table.take(next, 499), table.evicted]).toEqual(['drop', undefined]);
    expect([table.take(next, 500), table.evicted, table.size]).toEqual(['open', flood[0], 4]);
    expect(flood[0]!.state).toBe('gone');
    const another = view({ ...program, source: ip('192.168.77.5'), flags: flag.syn });
    expect([table.take(another, 500), table.evicted]).toEqual(['open', flood[1]]);
    table.take(view({ ...program, sourcePort: 3, flags: flag.rst }), 500);
    for (const [host, nowMs, evicted] of [
      [6, 500, undefined],
      [7, 600, slow],
    ] as const) {
      const syn = view({ ...program, source: ip(`192.168.77.${host}`), flags: flag.syn });
      expect([table.take(syn, nowMs), table.evicted]).toEqual(['open', evicted]);
    }
    expect([slow.state, table.size]).toEqual(['gone', 4]);
  });

  test('a source that floods loses what it has itself', () => {
    const table = tableOf({ held: 4, heldPerSource: 2, heldGraceMs: 500 });
    const other = held(table, { ...program, source: ip('192.168.77.3') });
    const flood = [1, 2].map((sourcePort) => held(table, { ...program, sourcePort }));
    expect(table.take(view({ ...program, sourcePort: 3, flags: flag.syn }), 500)).toBe('open');
    expect([table.evicted, other.state]).toEqual([flood[0], 'held']);
  });

  test('ports of the made-up ends come in turn, across all of their addresses', () => {
    const table = tableOf();
    const seenPorts = new Set<string>();
    for (let turn = 0; turn < 70_000; turn++) {
      const flow = held(table);
      table.connected(flow, 0);
      seenPorts.add(`${flow.peer}:${flow.peerPort}`);
      table.release(flow, 0);
    }
    expect(seenPorts.size).toBe(70_000);
  });

  test('nobody reaches, or poses as, the made-up ends', () => {
    const table = tableOf();
    const peer = sides[4].peers.first;
    expect(table.take(view({ ...program, destination: peer, flags: flag.syn }), 0)).toBe('drop');
    expect(table.take(view({ ...program, source: peer, flags: flag.syn }), 0)).toBe('drop');
    expect(table.accepted(ip('192.168.77.9'), 5_000, 0)).toBeUndefined();
  });
});

test('a held SYN survives what comes after it in the same buffer of Node’s', () => {
  const table = tableOf();
  const buffer = Buffer.alloc(200);
  const shared = new PacketView();
  const take = (sourcePort: number) => {
    const frame = tcpSegment({ ...program, sourcePort, flags: flag.syn, seq: sourcePort });
    buffer.set(frame);
    parseFrame(shared, buffer, frame.length);
    expect(table.take(shared, 0)).toBe('open');
    return table.flow!;
  };
  const first = take(1_111);
  take(2_222);
  const syn = seen(table.connected(first, 0)!);
  expect(Buffer.from(syn.frame).readUInt32BE(syn.transport + 4)).toBe(1_111);
});

test('programs, a listener and attackers at random', () => {
  for (let seed = 0; seed < 200; seed++) transparentFlows.run(new SeededRandom(seed));
});
