import { readdirSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resetSocket } from '#node-agents/link/reset-socket.ts';

const server = net.createServer({ allowHalfOpen: true });
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

interface Pair {
  near: Socket;
  /** How it ended for the other side: what it read, or the code of the error. */
  seen: Promise<number | string>;
  closed: Promise<void>;
}

async function pair(reads = true): Promise<Pair & { far: Socket }> {
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const { port } = server.address() as AddressInfo;
  const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const near = await accepted;
  let bytes = 0;
  const seen = new Promise<number | string>((resolve) => {
    far.on('data', (chunk) => {
      bytes += chunk.length;
    });
    far.on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
    far.on('end', () => {
      far.destroy();
      resolve(bytes);
    });
  });
  if (!reads) far.pause();
  const closed = new Promise<void>((resolve) => near.on('close', () => resolve()));
  return { near, far, seen, closed };
}

test('a connection that is cut is a failure to the other side', async () => {
  const { near, seen, closed } = await pair();
  near.write('half of it');
  resetSocket(near);
  await closed;
  expect(await seen).toBe('ECONNRESET');
});

test('what has not all been sent never looks complete, even once its end was asked for', async () => {
  const { near, far, seen, closed } = await pair(false);
  near.write(Buffer.alloc(64 * 1024 * 1024));
  near.end();
  expect(near.writableLength).toBeGreaterThan(0);
  resetSocket(near);
  await closed;
  far.resume();
  expect(await seen).toBe('ECONNRESET');
});

test('cut while its end is under way, it closes nevertheless, whole, and nothing stays open', async () => {
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (let n = 0; n < 20; n++) {
    const { near, seen, closed } = await pair();
    near.on('error', (error) => expect.unreachable(error.message));
    near.end('all of it');
    resetSocket(near);
    await closed;
    expect(await seen).toBe('all of it'.length);
  }
  await expect.poll(open).toBeLessThanOrEqual(before + 2);
});
