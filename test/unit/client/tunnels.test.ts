/** Proves node-agents/client/tunnels.ts: what becomes of tunnels when a Connector leaves the list or is revoked. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

beforeEach(async () => {
  place = await Place.open();
  place.forwards(granted);
  origin = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  // A relay that never cuts: it hands everybody to the Connector and forgets them.
  const relay = await startPeer({
    upgrade(_, socket) {
      acceptRaw(socket);
      void place.tunnels.take(async () => socket, 'rel_test');
    },
  });
  acl = await place.clientAcl([granted]);
  const host = { log: quietLog().log, random, now: Date.now, monotonic: () => performance.now() };
  tunnels = new Tunnels('ins_app', {
    identity: place.client,
    clock: new ControllerClock(Date.now),
    host: host as never,
    token: () => place.connectionToken(),
    relays: () => [{ id: 'rel_test', url: relay.url, carriers: ['raw'] }],
  });
});
afterEach(async () => {
  tunnels.close();
  await place.close();
  origin.close();
  await stopPeers();
});

async function update(...hashes: string[]): Promise<void> {
  const connectors = hashes.map((hash) => ({ hash, relays: ['rel_test'] }));
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
