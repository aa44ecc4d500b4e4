/** Proves schema/tunnel/mux.ts: order, credit, budget, turns, and what happens to a peer that breaks the rules. */
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '#schema/errors.ts';
import { mintId } from '#schema/ids.ts';
import { encodeCode, encodeFrame, encodeJson, encodeOpen, encodeOpened } from '#schema/tunnel/encode.ts';
import { frameTypes, headerBytes, initialCredit, maxStreams } from '#schema/tunnel/frames.ts';
import { Mux } from '#schema/tunnel/mux.ts';
import { firstTurnBytes, turnBytes } from '#schema/tunnel/outbox.ts';
import type { MuxStream, StreamHandler } from '#schema/tunnel/stream.ts';
import { defaultBudget, maxWindow } from '#schema/tunnel/window.ts';
import { SeededRandom } from '../../../fuzz/random.ts';
import { decode } from '../../../fuzz/tunnel-codec.ts';
import { tunnelMux } from '../../../fuzz/tunnel-mux.ts';
import { tunnelPeer } from '../../../fuzz/tunnel-peer.ts';

const connectionId = mintId('connection', new Uint8Array(16));
const request = {
  connectionId,
  destination: { protocol: 'tcp', host: 'a.internal', port: 443 } as const,
  clientAddress: '',
};
const helloFrame = encodeJson('HELLO', { capability: 1, connection_token: 't', acl: 'a' });
const open = (id: number, credit = 1 << 20) => encodeOpen(id, { ...request, credit });

/** One mux, what it was told, and whatever it wants to say. */
class Harness {
  readonly mux: Mux;
  readonly streams: MuxStream[] = [];
  readonly told: string[] = [];
  readonly handler: StreamHandler = {
    onOpened: (resolved) => this.told.push(`opened ${resolved}`),
    onData: (slice) => this.told.push(`data ${slice.length}`),
    onDatagram: (bytes) => this.told.push(`datagram ${bytes.length}`),
    onEnd: () => this.told.push('end'),
    onReset: (code) => this.told.push(`reset ${code}`),
    onSent: () => {},
  };
  constructor(role: 'client' | 'connector', greet = true, more: { maxStreams?: number } = {}) {
    this.mux = new Mux({
      role,
      nowMs: 0,
      ...more,
      handler: {
        onReady() {},
        onHello: ({ acl }) => this.told.push(`hello ${acl}`),
        onWelcome: () => this.told.push('welcome'),
        onAcl: (jwt) => this.told.push(`acl ${jwt}`),
        onGoAway: (code) => this.told.push(`goaway ${code}`),
        onOpen: (stream, { destination }) => {
          this.told.push(`open ${destination.host}`);
          this.streams.push(stream);
          return this.handler;
        },
      },
    });
    if (greet)
      this.mux.receive(role === 'connector' ? helloFrame : encodeJson('WELCOME', { capability: 1 }), 0);
    this.told.length = 0;
    this.said();
  }
  /** Frames that the mux wants to send, PINGs aside. */
  said(size = 128 * 1024) {
    const block = new Uint8Array(size);
    const frames = [];
    for (let length = this.mux.fill(block); length > 0; length = this.mux.fill(block)) {
      frames.push(...decode(block.slice(0, length), [length]).seen);
    }
    return frames.filter(({ type }) => type !== frameTypes.PING);
  }
  receive(...frames: Uint8Array[]): ErrorCode | undefined {
    return this.mux.receive(Buffer.concat(frames), 1);
  }
}

test('whatever two sides do, bytes arrive in order and nothing remains: 25 seeds', () => {
  for (let seed = 0; seed < 25; seed++) tunnelMux.run(new SeededRandom(seed));
}, 30_000);

test('no peer makes it throw or exceed its bounds: 200 seeds', () => {
  for (let seed = 0; seed < 200; seed++) tunnelPeer.run(new SeededRandom(seed));
}, 30_000);

describe('a peer that breaks the rules is cut', () => {
  const cases: [string, 'client' | 'connector', Uint8Array[], ErrorCode][] = [
    ['a second HELLO', 'connector', [helloFrame], 'protocol_error'],
    ['WELCOME from a Client', 'connector', [encodeJson('WELCOME', { capability: 1 })], 'protocol_error'],
    ['OPEN from a Connector', 'client', [open(1)], 'protocol_error'],
    ['HELLO from a Connector', 'client', [helloFrame], 'protocol_error'],
    ['a second WELCOME', 'client', [encodeJson('WELCOME', { capability: 1 })], 'protocol_error'],
    ['a gap in stream numbers', 'connector', [open(2)], 'protocol_error'],
    ['a stream number used again', 'connector', [open(1), open(1)], 'protocol_error'],
    ['a frame for a stream that never was', 'connector', [encodeFrame('FIN', 1)], 'protocol_error'],
    ['DATA on stream 0', 'connector', [encodeFrame('DATA', 0, new Uint8Array(1))], 'protocol_error'],
    ['FIN on stream 0', 'connector', [encodeFrame('FIN', 0)], 'protocol_error'],
    ['PING on a stream', 'connector', [open(1), encodeFrame('PING', 1, new Uint8Array(8))], 'protocol_error'],
    ['FIN twice', 'connector', [open(1), encodeFrame('FIN', 1), encodeFrame('FIN', 1)], 'protocol_error'],
    [
      'DATA after FIN',
      'connector',
      [open(1), encodeFrame('FIN', 1), encodeFrame('DATA', 1, new Uint8Array(1))],
      'protocol_error',
    ],
    ['OPENED from a Client', 'connector', [open(1), encodeOpened(1, 0, '')], 'protocol_error'],
    ['a datagram on a TCP stream', 'connector', [open(1), encodeFrame('DATAGRAM', 1)], 'protocol_error'],
    ['a short PING', 'connector', [encodeFrame('PING', 0, new Uint8Array(7))], 'protocol_error'],
    ['a short CREDIT', 'connector', [open(1), encodeFrame('CREDIT', 1, new Uint8Array(3))], 'protocol_error'],
    ['HELLO that is no JSON', 'connector', [encodeFrame('ACL', 0, new Uint8Array(9))], 'protocol_error'],
    [
      'more than its credit',
      'connector',
      [open(1), encodeFrame('DATA', 1, new Uint8Array(initialCredit + 1))],
      'flow_control_violated',
    ],
    [
      'credit beyond 32 bits',
      'connector',
      [open(1, 0xffffffff), encodeFrame('CREDIT', 1, Uint8Array.of(0, 0, 0, 1))],
      'flow_control_violated',
    ],
  ];
  for (const [name, role, frames, code] of cases) {
    test(name, () => {
      const { mux, receive, said } = bind(new Harness(role));
      expect(receive(...frames)).toBe(code);
      expect(said().at(-1)).toMatchObject({ type: frameTypes.GOAWAY });
      expect(mux.size).toBe(0);
      expect(receive(encodeFrame('PING', 0, new Uint8Array(8)))).toBe(code);
    });
  }

  test('anything before HELLO', () => {
    for (const frame of [
      open(1),
      encodeFrame('PING', 0, new Uint8Array(8)),
      encodeFrame('DATA', 1, new Uint8Array(1)),
    ]) {
      expect(new Harness('connector', false).receive(frame)).toBe('protocol_error');
    }
  });

  test('a Connector that sends before OPENED', () => {
    for (const frame of [encodeFrame('DATA', 1, new Uint8Array(1)), encodeFrame('FIN', 1)]) {
      const harness = new Harness('client');
      harness.mux.open(request, harness.handler);
      expect(harness.receive(frame)).toBe('protocol_error');
    }
  });

  test('one that makes it answer and does not read', () => {
    const harness = new Harness('connector');
    const pings = Buffer.concat(
      Array.from({ length: 10_000 }, () => encodeFrame('PING', 0, new Uint8Array(8))),
    );
    let code: ErrorCode | undefined;
    for (let round = 0; round < 20 && code === undefined; round++) code = harness.receive(pings);
    expect(code).toBe('limit_reached');
  });
});

const bind = (harness: Harness) => ({
  mux: harness.mux,
  receive: harness.receive.bind(harness),
  said: harness.said.bind(harness),
});

describe('streams', () => {
  test('frames for a stream that has ended are late, not wrong', () => {
    const harness = new Harness('connector');
    harness.receive(open(1));
    harness.mux.reset(harness.streams[0]!, 'connection_refused');
    expect(
      harness.receive(encodeFrame('DATA', 1, new Uint8Array(100)), encodeFrame('FIN', 1)),
    ).toBeUndefined();
    expect(harness.said()).toMatchObject([{ type: frameTypes.RESET, stream: 1, payload: Buffer.of(74) }]);
  });

  test('beyond the limit OPEN is answered RESET(limit_reached), and the tunnel goes on', () => {
    const harness = new Harness('connector', true, { maxStreams: 2 });
    expect(harness.receive(open(1), open(2), open(3))).toBeUndefined();
    expect(harness.mux.size).toBe(2);
    expect(harness.said()).toMatchObject([{ type: frameTypes.RESET, stream: 3, payload: Buffer.of(29) }]);
    expect(harness.receive(encodeCode('RESET', 1, 'cancelled'), open(4))).toBeUndefined();
    expect(harness.told).toEqual([
      'open a.internal',
      'open a.internal',
      'reset cancelled',
      'open a.internal',
    ]);
  });

  test('after GOAWAY the Client opens none and the Connector refuses them; those that live go on', () => {
    const connector = new Harness('connector');
    connector.receive(open(1));
    connector.mux.goAway('draining');
    expect(connector.receive(open(2), encodeFrame('DATA', 1, new Uint8Array(5)))).toBeUndefined();
    expect(connector.told).toEqual(['open a.internal', 'data 5']);
    expect(connector.said()).toMatchObject([
      { type: frameTypes.GOAWAY },
      { type: frameTypes.RESET, stream: 2, payload: Buffer.of(30) },
    ]);
    const client = new Harness('client');
    client.receive(encodeCode('GOAWAY', 0, 'draining'));
    expect(client.mux.open(request, client.handler)).toEqual({ ok: false, code: 'draining' });
  });

  test('half-close: one direction ends, the other goes on; both ended, the stream is gone', () => {
    const harness = new Harness('connector');
    harness.receive(open(1), encodeFrame('DATA', 1, new Uint8Array(3)), encodeFrame('FIN', 1));
    const [stream] = harness.streams as [MuxStream];
    harness.mux.accept(stream, '10.0.0.1');
    harness.mux.send(stream, new Uint8Array(10));
    harness.mux.finish(stream);
    expect(harness.said().map(({ type }) => type)).toEqual([
      frameTypes.OPENED,
      frameTypes.DATA,
      frameTypes.FIN,
    ]);
    expect(harness.mux.size).toBe(1);
    harness.mux.consumed(stream, 3, 1);
    expect(harness.mux.size).toBe(0);
    expect(harness.mux.budget.reserved).toBe(0);
  });
});

describe('credit', () => {
  test('is never exceeded by the sender, and used to the last byte', () => {
    const harness = new Harness('connector');
    harness.receive(open(1, 1000));
    const [stream] = harness.streams as [MuxStream];
    harness.mux.accept(stream, '10.0.0.1');
    harness.mux.send(stream, new Uint8Array(5000));
    const sent = () => harness.said().filter(({ type }) => type === frameTypes.DATA);
    expect(sent().map(({ payload }) => payload.length)).toEqual([1000]);
    harness.receive(encodeFrame('CREDIT', 1, Uint8Array.of(0, 0, 0, 1)));
    expect(sent().map(({ payload }) => payload.length)).toEqual([1]);
  });

  /** A consumer that reads at once, a peer that uses all it gets; `turnMs` between two rounds. */
  function drain(harness: Harness, stream: MuxStream, rounds: number, turnMs: number, from = 10): void {
    for (let round = 0; round < rounds; round++) {
      const now = from + round * turnMs;
      const bytes = stream.window.credit;
      for (let left = bytes; left > 0; ) {
        const part = Math.min(left, 256 * 1024);
        harness.mux.receive(encodeFrame('DATA', stream.id, new Uint8Array(part)), now);
        left -= part;
      }
      harness.mux.consumed(stream, stream.window.unread, now);
    }
  }

  function measured(rttMs: number): Harness {
    const harness = new Harness('connector', false);
    harness.mux.receive(helloFrame, 0);
    harness.mux.receive(encodeFrame('PONG', 0, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)), rttMs);
    expect(harness.mux.rttMs).toBe(rttMs);
    return harness;
  }

  test('a window grows while it is what limits, up to its bound', () => {
    const harness = measured(50);
    harness.receive(open(1));
    drain(harness, harness.streams[0]!, 40, 50);
    expect(harness.streams[0]!.window.credit).toBe(maxWindow);
  });

  test('a window stays as it is while the peer does not use it up', () => {
    const harness = measured(50);
    harness.receive(open(1));
    drain(harness, harness.streams[0]!, 40, 1000, 1000);
    expect(harness.streams[0]!.window.credit).toBe(initialCredit);
  });

  test('on a short way bulk that is alone has a window for large pieces, and a narrow one while small frames come beside it', () => {
    const harness = measured(0.1);
    harness.receive(open(1));
    harness.receive(open(2));
    const [bulk, small] = harness.streams as [MuxStream, MuxStream];
    /** 400 bytes a microsecond, read at once. @returns how long the peer may then go on unasked, in milliseconds. */
    let now = 10;
    const pour = (ms: number, beside: boolean): number => {
      for (const until = now + ms; now < until; ) {
        const bytes = Math.floor(bulk.window.credit / 2) + 1;
        now += bytes / 400_000;
        for (let left = bytes; left > 0; left -= 256 * 1024)
          harness.mux.receive(encodeFrame('DATA', 1, new Uint8Array(Math.min(left, 256 * 1024))), now);
        if (beside) {
          harness.mux.receive(encodeFrame('DATA', 2, new Uint8Array(120)), now);
          harness.mux.consumed(small, small.window.unread, now);
        }
        harness.mux.consumed(bulk, bulk.window.unread, now);
      }
      return bulk.window.credit / 400_000;
    };
    expect(pour(100, false)).toBeGreaterThan(3);
    expect(pour(50, true)).toBeLessThanOrEqual(2);
    expect(pour(50, false)).toBeLessThanOrEqual(2);
    expect(pour(200, false)).toBeGreaterThan(3);
  });

  test('idle streams that were fast once leave something to the others', () => {
    const harness = measured(50);
    for (let id = 1; id <= 40; id++) {
      harness.receive(open(id));
      drain(harness, harness.streams[id - 1]!, 40, 50, id * 5000);
    }
    expect(harness.mux.budget.reserved).toBeLessThanOrEqual(defaultBudget);
    const { credit } = harness.streams[39]!.window;
    expect(credit).toBeGreaterThanOrEqual(initialCredit);
  });

  test('500 streams that nobody reads hold no more than the budget; 4,096 no more than initialCredit each', () => {
    const harness = measured(50);
    const chunk = new Uint8Array(64 * 1024);
    for (let id = 1; id <= maxStreams; id++) {
      expect(harness.receive(open(id))).toBeUndefined();
      const stream = harness.streams[id - 1]!;
      harness.mux.accept(stream, '10.0.0.1');
      while (stream.window.credit > 0) {
        const part = chunk.subarray(0, Math.min(chunk.length, stream.window.credit));
        expect(harness.receive(encodeFrame('DATA', id, part))).toBeUndefined();
      }
      if (id === 500) expect(harness.mux.budget.reserved).toBeLessThanOrEqual(defaultBudget);
      harness.said();
    }
    expect(harness.mux.budget.reserved).toBeLessThanOrEqual(
      defaultBudget * 0.75 + maxStreams * initialCredit,
    );
  });
});

describe('turns', () => {
  test('a stream that was quiet goes before those that pour, and those that pour take equal turns', () => {
    const harness = new Harness('connector');
    for (let id = 1; id <= 4; id++) harness.receive(open(id, 1 << 30));
    const [a, b, c, quiet] = harness.streams as [MuxStream, MuxStream, MuxStream, MuxStream];
    for (const stream of harness.streams) harness.mux.accept(stream, '');
    harness.said();
    for (const stream of [a, b, c]) harness.mux.send(stream, new Uint8Array(1 << 20));
    const block = new Uint8Array(4 * turnBytes);
    const turns = () => {
      const length = harness.mux.fill(block);
      return decode(block.slice(0, length), [length]).seen.map(({ stream, payload }) => [
        stream,
        payload.length + headerBytes,
      ]);
    };
    const rest = 4 * turnBytes - 3 * firstTurnBytes - 3 * turnBytes;
    expect(turns()).toEqual([
      ...[1, 2, 3].map((id) => [id, firstTurnBytes]),
      ...[1, 2, 3].map((id) => [id, turnBytes]),
      [1, rest],
    ]);
    harness.mux.send(quiet, new Uint8Array(100));
    expect(turns()[0]).toEqual([4, 100 + headerBytes]);
    expect(new Set(turns().map(([id]) => id))).toEqual(new Set([1, 2, 3]));
  });

  test('one that was quiet and has much to send goes first with a record, and takes turns with the rest', () => {
    const harness = new Harness('connector');
    for (let id = 1; id <= 2; id++) harness.receive(open(id, 1 << 30));
    const [pouring, woken] = harness.streams as [MuxStream, MuxStream];
    for (const stream of harness.streams) harness.mux.accept(stream, '');
    harness.mux.send(pouring, new Uint8Array(1 << 20));
    harness.mux.fill(new Uint8Array(2 * turnBytes));
    harness.mux.send(woken, new Uint8Array(1 << 20));
    const block = new Uint8Array(3 * turnBytes);
    const length = harness.mux.fill(block);
    const turns = decode(block.slice(0, length), [length]).seen;
    expect(turns.map(({ stream }) => stream)).toEqual([2, 1, 2, 1]);
    expect(turns[0]!.payload).toHaveLength(firstTurnBytes - headerBytes);
  });

  test('control frames go before all data', () => {
    const harness = new Harness('connector');
    harness.receive(open(1, 1 << 30));
    harness.mux.accept(harness.streams[0]!, '');
    harness.mux.send(harness.streams[0]!, new Uint8Array(1 << 20));
    harness.mux.fill(new Uint8Array(64 * 1024 + turnBytes));
    harness.receive(encodeFrame('PING', 0, new Uint8Array(8)));
    expect(harness.said()[0]).toMatchObject({ type: frameTypes.PONG });
  });

  test('several small chunks become one frame', () => {
    const harness = new Harness('connector');
    harness.receive(open(1));
    harness.mux.accept(harness.streams[0]!, '');
    harness.said();
    harness.mux.send(harness.streams[0]!, Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4));
    expect(harness.said()).toMatchObject([{ payload: Buffer.of(1, 2, 3, 4) }]);
  });

  test('datagrams keep their borders and are dropped when too many wait', () => {
    const harness = new Harness('connector');
    harness.receive(
      encodeOpen(1, { ...request, destination: { protocol: 'udp', host: 'a', port: 53 }, credit: 0 }),
    );
    const [stream] = harness.streams as [MuxStream];
    harness.mux.accept(stream, '');
    harness.said();
    for (const length of [0, 1, 65_535])
      expect(harness.mux.sendDatagram(stream, new Uint8Array(length))).toBe(true);
    expect(harness.mux.sendDatagram(stream, new Uint8Array(65_536))).toBe(false);
    expect(harness.said().map(({ payload }) => payload.length)).toEqual([0, 1, 65_535]);
    let kept = 0;
    while (harness.mux.sendDatagram(stream, new Uint8Array(1200))) kept++;
    expect(kept * 1200).toBeLessThanOrEqual(256 * 1024);
    expect(harness.said().length).toBe(kept);
  });
});
