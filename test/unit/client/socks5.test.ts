import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Server } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGreeting, readPassword, readRequest, replyOf } from '#node-agents/client/socks5/messages.ts';
import { createSocks5 } from '#node-agents/client/socks5.ts';
import { Associations } from '#node-agents/client/udp/associations.ts';
import { listening, type StandIn, standIn } from './stand-in.ts';
import { lineOf } from './udp/lines.ts';

const associations = new Associations({ open: lineOf().open, now: () => performance.now() });
const run = promisify(execFile);
const origin = createServer((_, response) => response.end('hello'));
let originPort: number;
let opener: StandIn;
let socks: Server;
let port: number;

beforeAll(async () => {
  originPort = await listening(origin);
  opener = standIn();
  socks = createSocks5({ open: opener.open, associations, handshakeMs: 300 });
  port = await listening(socks);
});
afterAll(() => {
  origin.closeAllConnections();
  origin.close();
  socks.close();
});

test('names stay names with SOCKS5h, addresses pass in both families', async () => {
  const ask = (...args: string[]) => run('curl', ['-sS', '-m', '5', ...args]);
  const named = await ask('--socks5-hostname', `127.0.0.1:${port}`, `http://Origin.Internal:${originPort}/`);
  expect(named.stdout).toBe('hello');
  expect(opener.asked.at(-1)!.destination).toEqual({
    protocol: 'tcp',
    host: 'origin.internal',
    port: originPort,
  });
  await ask('--socks5', `127.0.0.1:${port}`, `http://127.0.0.1:${originPort}/`);
  expect(opener.asked.at(-1)!.destination.host).toBe('127.0.0.1');
  await ask('--socks5', `127.0.0.1:${port}`, '-g', `http://[::1]:${originPort}/`);
  expect(opener.asked.at(-1)!.destination.host).toBe('::1');
});

test('a password is asked for and compared', async () => {
  const guarded = createSocks5({
    open: opener.open,
    associations,
    credentials: { user: 'app', password: 'secret' },
  });
  const at = await listening(guarded);
  const ask = (user: string) =>
    run('curl', [
      '-sS',
      '-m',
      '5',
      '-x',
      `socks5h://${user}127.0.0.1:${at}`,
      `http://o.internal:${originPort}/`,
    ]);
  expect((await ask('app:secret@')).stdout).toBe('hello');
  await expect(ask('app:wrong@')).rejects.toThrow();
  await expect(ask('')).rejects.toThrow();
  guarded.close();
});

/** The bytes of the answer to a request that follows a greeting without password. */
async function answerTo(request: number[]): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  // One byte at a time: nothing says that a message arrives whole.
  for (const byte of [5, 1, 0, ...request]) socket.write(Buffer.of(byte));
  let received = Buffer.alloc(0);
  for await (const chunk of socket) received = Buffer.concat([received, chunk]);
  expect(received.subarray(0, 2)).toEqual(Buffer.of(5, 0));
  return received.subarray(2);
}

const named = (host: string, command = 1) => [5, command, 0, 3, host.length, ...Buffer.from(host), 0, 80];

test('refusals have the reply code of their reason', async () => {
  expect((await answerTo(named('port_denied.test')))[1]).toBe(2);
  expect((await answerTo(named('name_not_found.test')))[1]).toBe(4);
  expect((await answerTo(named('connection_refused.test')))[1]).toBe(5);
  expect((await answerTo(named('a.test', 2)))[1]).toBe(7);
  expect((await answerTo([5, 1, 0, 9, 1, 1]))[1]).toBe(8);
  expect(replyOf('network_unreachable')).toBe(3);
  expect(replyOf('internal_error')).toBe(1);
});

test('what is not SOCKS 5, and what never ends, is closed', async () => {
  for (const text of ['GET / HTTP/1.1\r\n\r\n', '\x04\x01\x00\x50', '\x05']) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(text, 'latin1');
    await once(socket.resume(), 'close');
  }
});

test('readers want more of every prefix of a message and never read past it', () => {
  const cases = [
    [readGreeting, Buffer.of(5, 2, 0, 2)],
    [readPassword, Buffer.from('\x01\x03app\x06secret', 'latin1')],
    [readRequest, Buffer.from([5, 1, 0, 1, 10, 0, 0, 1, 0, 80])],
    [readRequest, Buffer.from([5, 1, 0, 4, ...new Array(16).fill(1), 0, 80])],
    [readRequest, Buffer.from(named('db.internal'))],
  ] as const;
  for (const [read, whole] of cases) {
    for (let i = 0; i < whole.length; i++) expect(read(whole.subarray(0, i)).state).toBe('more');
    const result = read(Buffer.concat([whole, Buffer.from('next')]));
    expect(result).toMatchObject({ state: 'whole', used: whole.length });
  }
});
