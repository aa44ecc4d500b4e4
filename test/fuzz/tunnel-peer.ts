/**
 * A peer that follows no rules, against either role: well-formed frames in any order, bent and broken ones.
 * The mux never throws, holds to its bounds, and once it has refused the peer it hands on nothing more.
 */
import { ok } from 'node:assert/strict';
import { mintId } from '#schema/ids.ts';
import { encodeCode, encodeFrame, encodeJson, encodeOpen, encodeOpened } from '#schema/tunnel/encode.ts';
import { initialCredit } from '#schema/tunnel/frames.ts';
import { Mux } from '#schema/tunnel/mux.ts';
import type { MuxStream, StreamHandler } from '#schema/tunnel/stream.ts';
import type { SeededRandom } from './random.ts';
import type { Target } from './target.ts';

export const tunnelPeer: Target = {
  name: 'tunnel/peer',
  run(random) {
    const role = random.pick(['client', 'connector'] as const);
    let refused = false;
    let unread = 0;
    const streams: MuxStream[] = [];
    const handler: StreamHandler = {
      onOpened() {},
      onData(slice) {
        ok(!refused);
        unread += slice.length;
      },
      onDatagram: () => ok(!refused),
      onEnd: () => ok(!refused),
      onReset() {},
      onSent() {},
    };
    const mux = new Mux({
      role,
      nowMs: 0,
      budget: 256 * 1024,
      maxStreams: 20,
      handler: {
        onReady() {},
        onHello: () => mux.welcome(),
        onWelcome() {},
        onAcl() {},
        onGoAway() {},
        onOpen(stream) {
          ok(!refused);
          streams.push(stream);
          return handler;
        },
      },
    });
    const block = new Uint8Array(128 * 1024);
    const early = random.chance(0.9);
    if (early) {
      mux.receive(
        role === 'connector'
          ? encodeJson('HELLO', { capability: 1, connection_token: 't', acl: 'a' })
          : encodeJson('WELCOME', { capability: 1 }),
        0,
      );
    }
    let next = 1;
    for (let step = 0; step < 120; step++) {
      if (role === 'client' && random.chance(0.2)) {
        const opened = mux.open(request(random), handler);
        if (opened.ok) streams.push(opened.stream);
      }
      if (random.chance(0.3)) mux.fill(block);
      const stream = streams.length > 0 ? random.pick(streams) : undefined;
      if (stream !== undefined && !stream.gone) {
        if (random.chance(0.2)) mux.accept(stream, '10.0.0.1');
        const dice = random.int(10);
        if (dice === 0) mux.finish(stream);
        else if (dice === 1) mux.reset(stream, 'cancelled');
        else if (!stream.finishing && stream.pendingBytes === 0) mux.send(stream, random.bytes(100));
      }
      const id = random.chance(0.9) ? 1 + random.int(Math.max(1, next)) : random.int(2 ** 32);
      const frame = anyFrame(random, id, next);
      if (frame.opens) next++;
      if (random.chance(0.02)) frame.bytes[random.int(frame.bytes.length)]! ^= 1 << random.int(8);
      refused = mux.receive(frame.bytes, step) !== undefined || refused;
      const bound = Math.max(256 * 1024, 192 * 1024 + mux.size * initialCredit);
      ok(mux.budget.reserved <= bound && mux.budget.reserved >= 0, 'the budget does not hold');
      ok(mux.size <= 20);
      if (refused) ok(mux.size === 0 && mux.budget.reserved === 0, 'streams outlive their tunnel');
    }
    ok(unread >= 0);
  },
};

const request = (random: SeededRandom) => ({
  connectionId: mintId('connection', random.bytes(16)),
  destination: {
    protocol: random.pick(['tcp', 'udp'] as const),
    host: 'x.internal',
    port: random.int(65536),
  },
  clientAddress: '',
});

function anyFrame(random: SeededRandom, id: number, next: number): { bytes: Uint8Array; opens?: boolean } {
  switch (random.int(14)) {
    case 0:
    case 1:
      return { bytes: encodeOpen(next, { ...request(random), credit: random.int(2 ** 20) }), opens: true };
    case 2:
      return { bytes: encodeOpened(id, random.int(2 ** 16), '10.0.0.1') };
    case 3:
    case 4:
    case 5:
      return { bytes: encodeFrame('DATA', id, random.bytes(random.int(6000))) };
    case 6:
      return { bytes: encodeFrame('CREDIT', id, random.bytes(random.chance(0.9) ? 4 : random.int(8))) };
    case 7:
      return { bytes: encodeFrame('FIN', id) };
    case 8:
      return { bytes: encodeFrame('RESET', id, random.bytes(random.chance(0.95) ? 1 : 0)) };
    case 9:
      return { bytes: encodeFrame('DATAGRAM', id, random.bytes(random.int(2000))) };
    case 10:
      return { bytes: encodeFrame('PING', 0, random.bytes(8)) };
    case 11:
      return { bytes: encodeFrame('PONG', 0, random.bytes(8)) };
    case 12:
      return { bytes: encodeJson('ACL', random.chance(0.9) ? { acl: 'b' } : {}) };
    default:
      return {
        bytes: random.chance(0.3)
          ? encodeCode('GOAWAY', 0, 'draining')
          : encodeFrame('PONG', 0, random.bytes(8)),
      };
  }
}
