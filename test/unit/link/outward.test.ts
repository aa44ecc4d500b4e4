/** Proves node-agents/link/{outward,exchange,connect-first}.ts: whatever an agent opens for itself goes the way it is told. */
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { connectFirst } from '#node-agents/link/connect-first.ts';
import { exchange } from '#node-agents/link/exchange.ts';
import { createIdentity } from '#node-agents/link/identity.ts';
import type { Outward } from '#node-agents/link/outward.ts';
import { dialRelay } from '#node-agents/link/relay/dial.ts';
import { tenantKeys } from '#node-agents/link/tenant-keys.ts';
import { openWebSocket } from '#node-agents/link/websocket.ts';
import { parseIp } from '#schema/name/ip.ts';
import { acceptRaw, acceptWebSocket, deadUrl, startPeer, stopPeers } from './peers.ts';

afterEach(stopPeers);

/** Goes to the peer on loopback, whatever host is asked for. */
function way(url: string): { outward: Outward; asked: string[] } {
  const asked: string[] = [];
  const outward: Outward = async (host, port) => {
    asked.push(`${host} ${port}`);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  return { outward, asked };
}

const plain = { method: 'GET', headers: {}, timeoutMs: 5_000, limit: 1_000 } as const;

test('a request, a WebSocket and both carriers of a relay', async () => {
  const peer = await startPeer({
    request: (_request, _body, response) => response.end('{"keys":[]}'),
    upgrade: (request, socket, head) =>
      request.headers.upgrade === 'websocket'
        ? acceptWebSocket(request, socket, head, () => {})
        : acceptRaw(socket),
  });
  const { outward, asked } = way(peer.url);
  const answer = await exchange('http://controller.test:81/at', { ...plain, outward });
  expect(answer).toMatchObject({ status: 200, text: '{"keys":[]}' });
  await tenantKeys('http://controller.test', { now: () => performance.now(), outward }).reload();
  const common = { headers: {}, timeoutMs: 5_000, outward };
  const socket = await openWebSocket({
    ...{ ...common, url: 'ws://[2001:db8::1]/channel', messageBytes: 100, code: 'controller_unreachable' },
  });
  socket.terminate();
  for (const carrier of ['raw', 'websocket'] as const) {
    const relay = { id: 'rel_1', url: 'http://relay.test:82', carriers: [carrier] };
    (await dialRelay({ ...common, relay, door: 'connect' })).destroy();
  }
  expect(asked).toEqual([
    'controller.test 81',
    'controller.test 80',
    '2001:db8::1 80',
    'relay.test 82',
    'relay.test 82',
  ]);
});

test('over TLS the name that was asked for is the one that counts', async () => {
  const { privateKeyPem: key, certificatePem: cert } = await createIdentity();
  const names: string[] = [];
  const server = createTlsServer({
    key,
    cert,
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { outward, asked } = way(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const refused = exchange('https://controller.test/', { ...plain, outward });
  await expect(refused).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  expect([asked, names]).toEqual([['controller.test 443'], ['controller.test']]);
  server.close();
});

test('what fails on the way is told as if node had connected', async () => {
  const { outward } = way(await deadUrl());
  await expect(exchange('http://controller.test/', { ...plain, outward })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

test('an answer is bounded in time and in length', async () => {
  const silent = await startPeer({ request: () => {} });
  const late = exchange(silent.url, { ...plain, timeoutMs: 50, outward: undefined });
  await expect(late).rejects.toMatchObject({ code: 'ABORT_ERR' });
  const given = exchange(silent.url, { ...plain, signal: AbortSignal.abort(), outward: undefined });
  await expect(given).rejects.toMatchObject({ code: 'ABORT_ERR' });
  const long = await startPeer({ request: (_request, _body, response) => response.end('x'.repeat(1_001)) });
  await expect(exchange(long.url, { ...plain, outward: undefined })).rejects.toThrow(RangeError);
});

describe('of several addresses', () => {
  const addresses = ['127.0.0.2', '127.0.0.3'].map((text) => parseIp(text)!);
  const times = { connectMs: 5_000, connectStaggerMs: 5_000 };

  test('the next is tried when one fails; without descriptors none is', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.3');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const dial = (host: string) => connect(port, host);
    const { socket, address } = await connectFirst({ addresses, dial, ...times });
    expect(address).toBe('127.0.0.3');
    socket.destroy();
    server.close();
    const none = () => {
      throw Object.assign(new Error('no more'), { code: 'EMFILE' });
    };
    await expect(connectFirst({ addresses, dial: none, ...times })).rejects.toMatchObject({ code: 'EMFILE' });
    await expect(connectFirst({ addresses: [], dial, ...times })).rejects.toMatchObject({
      code: 'EHOSTUNREACH',
    });
  });
});
