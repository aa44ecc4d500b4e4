import type { Duplex } from 'node:stream';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { connectThrough, type MeetOptions } from '#node-agents/link/relay/meet.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { verifyProof } from '#schema/token/proof.ts';
import {
  acceptRaw,
  deadUrl,
  random,
  refusedWith,
  refuseUpgrade,
  startPeer,
  stopPeers,
  until,
} from '../peers.ts';

let identity: Identity;
beforeAll(async () => {
  identity = await createIdentity();
});
const streams: Duplex[] = [];
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.destroy();
  await stopPeers();
});

const entry = (id: string, url: string): RelayEntry => ({ id, url, carriers: ['raw'] });
const accepting = async (id: string) =>
  entry(id, (await startPeer({ upgrade: (_, socket) => acceptRaw(socket) })).url);
const refusing = async (id: string, code: ErrorCode) =>
  entry(id, (await startPeer({ upgrade: (_, socket) => refuseUpgrade(socket, code) })).url);
const silent = async (id: string) => entry(id, (await startPeer({ upgrade: () => {} })).url);
const dead = async (id: string) => entry(id, await deadUrl());

async function meet(relays: RelayEntry[], more: Partial<MeetOptions> = {}) {
  const clock = new ControllerClock(Date.now);
  const meeting = await connectThrough({
    relays,
    connectionToken: 'a.connection.token',
    identity,
    clock,
    random,
    ...more,
  });
  streams.push(meeting.stream);
  return meeting;
}

test('proves the key behind the connection token to the relay', async () => {
  let proven: unknown;
  const { url } = await startPeer({
    async upgrade(request, socket) {
      const token = 'a.connection.token';
      expect(request.headers.authorization).toBe(`DPoP ${token}`);
      const expected = { method: 'GET', url: `${url}/relay/v1/connect`, token, nowMs: Date.now() };
      proven = await verifyProof(String(request.headers['dpop']), { ...expected, jkt: identity.jkt });
      acceptRaw(socket);
    },
  });
  await meet([entry('rel_1', url)]);
  expect(proven).toMatchObject({ ok: true });
});

test('prefers the first relay and does not bother the second', async () => {
  let asked = 0;
  const second = await startPeer({
    upgrade: (_, socket) => {
      asked++;
      acceptRaw(socket);
    },
  });
  expect((await meet([await accepting('rel_1'), entry('rel_2', second.url)])).relay.id).toBe('rel_1');
  expect(asked).toBe(0);
});

test('is through the second relay within a second when the first is dead', async () => {
  const start = performance.now();
  expect((await meet([await dead('rel_1'), await accepting('rel_2')], { staggerMs: 60_000 })).relay.id).toBe(
    'rel_2',
  );
  expect(performance.now() - start).toBeLessThan(1_000);
});

test('is through the second relay within a second when the first swallows everything', async () => {
  const start = performance.now();
  expect((await meet([await silent('rel_1'), await accepting('rel_2')])).relay.id).toBe('rel_2');
  expect(performance.now() - start).toBeLessThan(1_000);
});

test('goes on to the next when the Connector is not at the first', async () => {
  const relays = [await refusing('rel_1', 'connector_offline'), await accepting('rel_2')];
  expect((await meet(relays, { staggerMs: 60_000 })).relay.id).toBe('rel_2');
});

test('lets go of every other attempt once one has succeeded', async () => {
  let gone = false;
  const slow = await startPeer({
    upgrade: (_, socket) => {
      socket.resume();
      socket.on('end', () => {
        gone = true;
      });
    },
  });
  await meet([entry('rel_1', slow.url), await accepting('rel_2')], { staggerMs: 20 });
  await until(() => gone, 'the slow relay to be let go of');
});

test('says the most telling reason when none lets it through', async () => {
  const relays = [
    await dead('rel_1'),
    await refusing('rel_2', 'connector_offline'),
    await refusing('rel_3', 'wrong_audience'),
  ];
  expect((await refusedWith(meet(relays))).code).toBe('wrong_audience');
  expect((await refusedWith(meet(relays.slice(0, 2)))).code).toBe('connector_offline');
  const error = await refusedWith(meet([relays[0]!, await dead('rel_4')]));
  expect(error.code).toBe('relay_unreachable');
  expect(error.message.match(/cannot reach/g)).toHaveLength(2);
});

test('needs a relay', async () => {
  expect((await refusedWith(meet([]))).code).toBe('relay_unreachable');
});

test('can be cancelled', async () => {
  const cancel = new AbortController();
  const meeting = refusedWith(meet([await silent('rel_1')], { signal: cancel.signal }));
  cancel.abort();
  expect((await meeting).code).toBe('cancelled');
});
