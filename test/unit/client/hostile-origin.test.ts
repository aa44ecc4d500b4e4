import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerHealth } from '#node-agents/client/http/health.ts';
import { createHttpProxy } from '#node-agents/client/http-proxy.ts';
import { listening, standIn } from './stand-in.ts';

/** An origin that answers whatever the test says, HTTP or not. */
let origin: Server;
let port: number;
let answer = '';
let proxy: HttpServer;
let proxyPort: number;

beforeAll(async () => {
  origin = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.end(answer, 'latin1'));
  });
  port = await listening(origin);
  const health = { whyNotReady: () => undefined, whyNotReachable: async () => undefined };
  proxy = createHttpProxy({
    open: standIn().open,
    local: (request, response, authorized) => void answerHealth(health, request, response, authorized),
  });
  proxyPort = await listening(proxy);
});

afterAll(() => {
  proxy.closeAllConnections();
  for (const server of [origin, proxy]) server.close();
});

/** What comes back for a request, which asks for the connection to be closed behind the answer. */
async function ask(target: string, fields = ''): Promise<string> {
  const socket = connect(proxyPort, '127.0.0.1').setEncoding('latin1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${fields || 'Connection: close\r\n'}\r\n`);
  await once(socket, 'close');
  return text;
}

const webSocket = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

test.each([
  ['a request', ''],
  ['a WebSocket', webSocket],
])('an answer whose status nobody may write is a broken protocol, for %s', async (_, fields) => {
  answer = 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n';
  expect(await ask(`http://127.0.0.1:${port}/`, fields)).toMatch(/^HTTP\/1\.1 502 [\s\S]*"protocol_error"/);
});

test('an answer that switches protocols unasked is a broken protocol', async () => {
  answer = 'HTTP/1.1 101 Up\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n';
  expect(await ask(`http://127.0.0.1:${port}/`)).toMatch(/^HTTP\/1\.1 502 [\s\S]*"protocol_error"/);
});

test.each([
  ['a request', ''],
  ['a WebSocket', webSocket],
])('a reason phrase with control characters passes without them, for %s', async (_, fields) => {
  answer = 'HTTP/1.1 200 O\x01\x7fK\r\nContent-Length: 2\r\n\r\nhi';
  expect(await ask(`http://127.0.0.1:${port}/`, fields)).toMatch(/^HTTP\/1\.1 200 O\?\?K\r\n[\s\S]*hi$/);
});

test.each(['//[', '//a:99999', '/?%'])('the proxy answers a request for itself at %s', async (target) => {
  expect(await ask(target)).toMatch(/^HTTP\/1\.1 400 /);
});
