/**
 * Proves client/http/first-bytes: whatever way the first bytes of a connection come, the proxy answers as if
 * node:http had read them all.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Server as TcpServer, createServer as tcpServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FirstBytes } from '#node-agents/client/http/first-bytes.ts';
import { createHttpProxy } from '#node-agents/client/http-proxy.ts';
import { listening, type StandIn, standIn } from './stand-in.ts';

let opener: StandIn;
let echo: TcpServer;
let proxy: Server;
let proxyPort: number;
let authority: string;

beforeAll(async () => {
  opener = standIn();
  echo = tcpServer((socket) => socket.pipe(socket));
  authority = `echo.internal:${await listening(echo)}`;
  proxy = createHttpProxy({ open: opener.open, local: (_, response) => void response.end('itself') });
  proxyPort = await listening(proxy);
});

afterAll(() => {
  proxy.closeAllConnections();
  for (const server of [proxy, echo]) server.close();
});

/** Sends the parts one after the other, each when the one before has been taken; ends; all that comes back. */
async function exchange(...parts: string[]): Promise<string> {
  const socket = connect(proxyPort, '127.0.0.1').setNoDelay(true);
  socket.on('error', () => {});
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  await once(socket, 'connect');
  for (const part of parts) {
    const taken = opener.asked.length;
    await new Promise((done) => socket.write(part, 'latin1', done));
    await new Promise((done) => setImmediate(done));
    expect(opener.asked.length).toBeGreaterThanOrEqual(taken);
  }
  socket.end();
  await once(socket, 'close');
  return received;
}

const opened = 'HTTP/1.1 200 Connection established\r\n\r\n';

test.each([
  ['in one piece', [`CONNECT AUTHORITY HTTP/1.1\r\nHost: AUTHORITY\r\n\r\n`]],
  ['without fields', ['CONNECT AUTHORITY HTTP/1.1\r\n\r\n']],
  ['in two pieces', ['CONNECT AUTHO', 'RITY HTTP/1.1\r\nHost: AUTHORITY\r\n\r\n']],
  ['byte for byte', [...'CONNECT AUTHORITY HTTP/1.1\r\nHost: x\r\n\r\n']],
  ['with more fields', ['CONNECT AUTHORITY HTTP/1.1\r\nUser-Agent: a \xe4 b\r\nX-Empty:\r\n\r\n']],
  ['with a long field', [`CONNECT AUTHORITY HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`]],
])('a CONNECT opens a tunnel when it comes %s', async (_, parts) => {
  const text = parts.join('').replaceAll('AUTHORITY', authority);
  const cut =
    parts.length === 1 ? [text] : parts.length === 2 ? [text.slice(0, 11), text.slice(11)] : [...text];
  expect(await exchange(...cut, 'ping')).toBe(`${opened}ping`);
});

test('what a program sends behind its request is not lost', async () => {
  expect(await exchange(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\nearly `, 'late')).toBe(
    `${opened}early late`,
  );
});

test.each([
  ['a lower-case method', 'connect a:1 HTTP/1.1\r\n\r\n'],
  ['a space before the colon', 'CONNECT a:1 HTTP/1.1\r\nHost : a\r\n\r\n'],
  ['a folded field', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n'],
  ['another version', 'CONNECT a:1 HTTP/1.7\r\n\r\n'],
  ['a NUL in a field', 'CONNECT a:1 HTTP/1.1\r\nHost: a\0b\r\n\r\n'],
  ['a bare CR', 'CONNECT a:1 HTTP/1.1\rHost: a\r\n\r\n'],
  [
    'a length and a coding',
    'CONNECT a:1 HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
  ],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00'],
])('%s is refused, and nothing is opened', async (_, text) => {
  const before = opener.asked.length;
  const answer = await exchange(text);
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*Proxy-Status: sallyport; error=http_request_error/s);
  expect(opener.asked.length).toBe(before);
});

test.each([
  ['no destination', 'CONNECT nonsense HTTP/1.1\r\n\r\n', 'bad_request'],
  ['a refused destination', 'CONNECT port_denied.test:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'port_denied'],
])('%s is answered with the reason', async (_, text, code) => {
  expect(await exchange(text)).toContain(`"code":"${code}"`);
});

test('requests for the proxy itself and in absolute-form still reach node:http, over one connection', async () => {
  const origin = createServer((_, response) => response.end('origin'));
  const port = await listening(origin);
  const socket = connect(proxyPort, '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 200 OK.*itself$/s);
  socket.write(`GET http://origin.internal:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 200 OK.*origin/s);
  socket.destroy();
  origin.closeAllConnections();
  origin.close();
});

test('a connection that says nothing is told so in time, and is no reason to wait at the end', async () => {
  const late: unknown[] = [];
  const first = new FirstBytes({
    withinMs: 100,
    onConnect: () => {},
    onAnythingElse: () => {},
    onLate: (socket) => {
      late.push(socket);
      socket.destroy();
    },
  });
  const server = tcpServer((socket) => first.accept(socket));
  const port = await listening(server);
  const silent = connect(port, '127.0.0.1').on('error', () => {});
  await once(silent, 'close');
  expect(late).toHaveLength(1);
  const another = connect(port, '127.0.0.1').on('error', () => {});
  await once(server, 'connection');
  first.closeIdle();
  await once(another, 'close');
  server.close();
});
