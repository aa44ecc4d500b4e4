/** Proves schema/tunnel/datagrams.ts by its mux: datagrams do not wait behind bulk, nor bulk for ever behind them, and late ones make room. */
import { beforeEach, describe, expect, test } from 'vitest';
import { mintId } from '#schema/ids.ts';
import { encodeJson, encodeOpen } from '#schema/tunnel/encode.ts';
import { frameTypes } from '#schema/tunnel/frames.ts';
import { Mux } from '#schema/tunnel/mux.ts';
import { minFill } from '#schema/tunnel/outbox.ts';
import type { MuxStream, StreamHandler } from '#schema/tunnel/stream.ts';
import { decode } from '../../../fuzz/tunnel-codec.ts';

const blockBytes = 128 * 1024;
const ignore = () => {};
const handler: StreamHandler = {
  ...{ onOpened: ignore, onData: ignore, onDatagram: ignore, onEnd: ignore, onReset: ignore, onSent: ignore },
};
const { DATAGRAM, DATA, FIN } = frameTypes;

let mux: Mux;
let streams: MuxStream[];
beforeEach(() => {
  streams = [];
  mux = new Mux({
    role: 'connector',
    nowMs: 0,
    handler: {
      ...{ onReady: ignore, onHello: ignore, onWelcome: ignore, onAcl: ignore, onGoAway: ignore },
      onOpen: (stream) => {
        streams.push(stream);
        return handler;
      },
    },
  });
  mux.receive(encodeJson('HELLO', { capability: 1, connection_token: 't', acl: 'a' }), 0);
});

function open(protocol: 'tcp' | 'udp', count = 1): MuxStream[] {
  return Array.from({ length: count }, () => {
    const destination = { protocol, host: 'a.internal', port: 443 };
    const connectionId = mintId('connection', new Uint8Array(16));
    const id = streams.length + 1;
    mux.receive(encodeOpen(id, { connectionId, destination, clientAddress: '', credit: 1 << 30 }), 0);
    const stream = streams.at(-1)!;
    mux.accept(stream, '');
    drain();
    return stream;
  });
}

/** The frames of the next write. */
function next(size = blockBytes) {
  const block = new Uint8Array(size);
  const length = mux.fill(block);
  return decode(block.slice(0, length), [length]).seen;
}
function drain() {
  const all = [];
  for (let frames = next(); frames.length > 0; frames = next()) all.push(...frames);
  return all;
}
const numbered = (number: number, length = 1_200): Uint8Array => {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
};
const numberOf = (payload: Uint8Array) => Buffer.from(payload).readUInt32BE(0);

describe('beside bulk', () => {
  test('a datagram leaves with the next write, in front of a hundred flows that pour, each time', () => {
    const [voice] = open('udp') as [MuxStream];
    for (const flow of open('tcp', 100)) mux.send(flow, new Uint8Array(1 << 20));
    for (let number = 0; number < 50; number++) {
      mux.sendDatagram(voice, numbered(number));
      const [first, ...rest] = next();
      expect(first).toMatchObject({ type: DATAGRAM, stream: voice.id });
      expect(numberOf(first!.payload)).toBe(number);
      expect(rest.every(({ type }) => type === DATA)).toBe(true);
    }
  });

  test('a flood of datagrams leaves bulk half of each write, and takes all where there is none', () => {
    const [flood] = open('udp') as [MuxStream];
    const [flow] = open('tcp') as [MuxStream];
    const pour = () => {
      for (let number = 0; number < 200; number++) mux.sendDatagram(flood, numbered(number));
    };
    mux.send(flow, new Uint8Array(256 * 1024));
    for (let bulk = 0; bulk < 256 * 1024; ) {
      pour();
      const frames = next();
      const bytes = (type: number) =>
        frames.filter((one) => one.type === type).reduce((sum, { payload }) => sum + payload.length, 0);
      expect(bytes(DATA)).toBeGreaterThanOrEqual(Math.min(blockBytes * 0.48, 256 * 1024 - bulk));
      expect(bytes(DATAGRAM)).toBeGreaterThan(blockBytes * 0.45);
      bulk += bytes(DATA);
    }
    pour();
    expect(next().length).toBeGreaterThan(100);
  });

  test('the longest datagram fits in the smallest buffer, whatever else is waiting', () => {
    const [one] = open('udp') as [MuxStream];
    const [flow] = open('tcp') as [MuxStream];
    mux.send(flow, new Uint8Array(1 << 20));
    for (const _ of [1, 2, 3]) {
      expect(mux.sendDatagram(one, new Uint8Array(65_535))).toBe(true);
      expect(next(minFill)[0]).toMatchObject({ type: DATAGRAM });
    }
  });
});

describe('among themselves', () => {
  test('streams take turns, in bytes: one that floods does not hold up the others', () => {
    const [flood, ...others] = open('udp', 4) as [MuxStream, ...MuxStream[]];
    for (let number = 0; number < 150; number++) mux.sendDatagram(flood, numbered(number));
    for (const stream of others) mux.sendDatagram(stream, numbered(0));
    const order = next().map(({ stream }) => stream);
    const last = Math.max(...others.map(({ id }) => order.indexOf(id)));
    expect(last).toBeLessThan(12);
  });

  test('each keeps its order', () => {
    const pair = open('udp', 2);
    for (let number = 0; number < 100; number++)
      for (const one of pair) mux.sendDatagram(one, numbered(number));
    const frames = drain();
    for (const { id } of pair) {
      const mine = frames.filter(({ stream }) => stream === id).map(({ payload }) => numberOf(payload));
      expect(mine).toEqual(Array.from({ length: 100 }, (_, i) => i));
    }
  });
});

describe('too many', () => {
  test('the newest stay, the oldest are lost, and each loss is told', () => {
    const [stream] = open('udp') as [MuxStream];
    let lost = 0;
    for (let number = 0; number < 1_000; number++) if (!mux.sendDatagram(stream, numbered(number))) lost++;
    const kept = drain().map(({ payload }) => numberOf(payload));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 1_000 - kept.length + i));
    expect(kept.length).toBeGreaterThan(150);
    expect(kept.length * 1_200).toBeLessThan(256 * 1024);
    expect(lost).toBe(1_000 - kept.length);
  });

  test('empty ones are bounded like any other', () => {
    const [stream] = open('udp') as [MuxStream];
    for (let i = 0; i < 100_000; i++) mux.sendDatagram(stream, new Uint8Array(0));
    expect(drain().length).toBeLessThanOrEqual(4_096);
  });

  test('of many streams: four MiB in all, and none without its share', () => {
    const all = open('udp', 200);
    for (let number = 0; number < 300; number++)
      for (const stream of all.slice(0, 199)) mux.sendDatagram(stream, numbered(number));
    expect(mux.sendDatagram(all[199]!, numbered(7))).toBe(true);
    const frames = drain();
    expect(frames.length * 1_200).toBeLessThanOrEqual(4 * 1024 * 1024);
    const perStream = all.map(({ id }) => frames.filter(({ stream }) => stream === id).length);
    expect(perStream[199]).toBe(1);
    expect(Math.min(...perStream.slice(0, 199))).toBeGreaterThan(10);
  });
});

test('FIN follows the last datagram, and a stream that is reset takes its datagrams along', () => {
  const [ends, stops] = open('udp', 2) as [MuxStream, MuxStream];
  for (let number = 0; number < 3; number++)
    for (const one of [ends, stops]) mux.sendDatagram(one, numbered(number));
  mux.finish(ends);
  mux.reset(stops, 'cancelled');
  expect(mux.sendDatagram(ends, numbered(9))).toBe(false);
  const frames = drain().filter(({ stream }) => stream === ends.id || stream === stops.id);
  expect(frames.map(({ stream, type }) => [stream, type])).toEqual([
    [stops.id, frameTypes.RESET],
    [ends.id, DATAGRAM],
    [ends.id, DATAGRAM],
    [ends.id, DATAGRAM],
    [ends.id, FIN],
  ]);
});
