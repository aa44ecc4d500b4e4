/**
 * Proves node-agents/client/{tunnels,connector-link}.ts: what becomes of tunnels when a Connector leaves the
 * list or is revoked, and when a relay falls silent.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Acls } from '#node-agents/client/acl.ts';
import { Tunnels } from '#node-agents/client/tunnels.ts';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { Place, resource } from '../connector/place.ts';
import { acceptRaw, quietLog, random, startPeer, stopPeers } from '../link/peers.ts';

const granted = resource('res_origin', '127.0.0.1', { reserved: true });
let place: Place;
let origin: Server;
let tunnels: Tunnels;
let acl: string;
/** Relays that carry nothing any more, and say nothing of it. */
const frozen = new Set<string>();
/** What a relay has paired. */
const carried = new Map<string, Socket[]>();

beforeEach(async () => {
  place = await Place.open();
  place.forwards(granted);
  origin = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  frozen.clear();
  carried.clear();
  // Relays that never cut: they hand everybody to the Connector and forget them.
  const relay = (id: string) =>
    startPeer({
      upgrade(_, socket) {
        if (frozen.has(id)) return;
        acceptRaw(socket);
        carried.set(id, [...(carried.get(id) ?? []), socket as Socket]);
        void place.tunnels.take(async () => socket, id);
      },
    });
  const relays = new Map([
    ['rel_test', await relay('rel_test')],
    ['rel_other', await relay('rel_other')],
  ]);
  acl = await place.clientAcl([granted]);
  const host = { log: quietLog().log, random, now: Date.now, monotonic: () => performance.now() };
  tunnels = new Tunnels('ins_app', {
    identity: place.client,
    clock: new ControllerClock(Date.now),
    host: host as never,
    token: () => place.connectionToken(),
    relays: (ids) => ids.map((id) => ({ id, url: relays.get(id)!.url, carriers: ['raw'] })),
  });
});
afterEach(async () => {
  tunnels.close();
  await place.close();
  origin.close();
  await stopPeers();
});

const update = (...hashes: string[]) => updateAt(['rel_test'], ...hashes);

async function updateAt(relays: string[], ...hashes: string[]): Promise<void> {
  const connectors = hashes.map((hash) => ({ hash, relays }));
  const verdict = await new Acls().with(
    { version: 7, snapshot: true, networks: { net_office: { acl, connectors } } },
    { keys: place.gate.keys, issuer: place.gate.issuer(), jkt: place.client.jkt, nowMs: Date.now() },
  );
  if (!verdict.ok) throw new Error(verdict.code);
  tunnels.update(verdict.acls);
}

async function open() {
  const { port } = origin.address() as { port: number };
  const destination = { protocol: 'tcp', host: '127.0.0.1', port } as const;
  const request = { destination, clientAddress: '', signal: new AbortController().signal };
  return tunnels.open('net_office', request, 'cnx_00000000000000000000000000');
}

function freeze(relay: string): void {
  frozen.add(relay);
  // What is read below TLS no longer reaches it: the handle itself must stop.
  for (const socket of carried.get(relay) ?? [])
    (socket as unknown as { _handle: { readStop(): void } })._handle.readStop();
}

/** What is paired there goes on; nobody else comes in. */
function thaw(relay: string): void {
  for (const socket of carried.get(relay) ?? [])
    (socket as unknown as { _handle: { readStart(): void } })._handle.readStart();
}

test('a relay that falls silent is left for another: the next flow goes there, and those that come later', async () => {
  await updateAt(['rel_test', 'rel_other'], place.connector.hash);
  const before = await open();
  if (!before.ok) throw new Error(before.code);
  const [link] = tunnels.links('net_office');
  expect(link!.relay?.id).toBe('rel_test');
  freeze('rel_test');
  const [first, second] = await Promise.all([open(), open()]);
  expect([first.ok, second.ok]).toEqual([true, true]);
  expect(link!.relay?.id).toBe('rel_other');
  expect(link!.doubts).toBe(1);
  // It was only slow, as it turns out: what lives there goes on.
  thaw('rel_test');
  expect((await open()).ok).toBe(true);
  expect(before.stream.destroyed).toBe(false);
  expect(tunnels.flows).toBe(4);
});

test('a relay that is heard again takes the flows, where there is no other', async () => {
  await update(place.connector.hash);
  const before = await open();
  if (!before.ok) throw new Error(before.code);
  const [link] = tunnels.links('net_office');
  freeze('rel_test');
  const next = open();
  await vi.waitUntil(() => link!.state === 'doubted');
  thaw('rel_test');
  expect((await next).ok).toBe(true);
  expect(link!.state).toBe('open');
});

test('flows through a Connector that is no longer listed go on', async () => {
  await update(place.connector.hash);
  const opened = await open();
  if (!opened.ok) throw new Error(opened.code);
  await update();
  expect(opened.stream.destroyed).toBe(false);
  expect(tunnels.flows).toBe(1);
});

test('flows through one that was revoked end, before and after it has left the list', async () => {
  for (const leaves of [false, true]) {
    await update(place.connector.hash);
    const opened = await open();
    if (!opened.ok) throw new Error(opened.code);
    const closed = once(opened.stream, 'close').catch(() => {});
    if (leaves) await update();
    tunnels.cut([place.stranger.hash]);
    expect(opened.stream.destroyed).toBe(false);
    tunnels.cut([place.connector.hash]);
    await closed;
    expect(opened.stream.code).toBe('peer_gone');
    expect(tunnels.flows).toBe(0);
    expect(await open()).toMatchObject({ ok: false, code: 'no_connector' });
  }
});
