/** Proves link/read-pooled.ts on real sockets, with Node's fields for reading in place and without them. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { readPooled } from '#node-agents/link/read-pooled.ts';
import { plainData, rawPair } from './tunnel/loopback.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function pair(): Promise<[from: Socket, to: Socket]> {
  const made = await rawPair();
  sockets.push(...made);
  return made;
}

/** 4 MiB in which no two places look alike. */
const body = Buffer.from(Uint32Array.from({ length: 1 << 20 }, (_, at) => Math.imul(at, 0x9e3779b1)).buffer);

interface Held {
  chunk: Buffer;
  release(): void;
}

/** Reads to the end and gives nothing back. */
async function holdAll(socket: Socket): Promise<Held[]> {
  const held: Held[] = [];
  readPooled(socket, (chunk, release) => held.push({ chunk, release }));
  await once(socket, 'end');
  return held;
}

const together = (held: Held[]): Buffer => Buffer.concat(held.map(({ chunk }) => chunk));

describe.each([
  ['in place', (socket: Socket) => socket],
  ['by data events', plainData],
])('%s', (_way, prepare) => {
  test('what is not given back stays as it is', async () => {
    const [from, to] = await pair();
    from.end(body);
    const held = await holdAll(prepare(to));
    expect(together(held).equals(body)).toBe(true);
  });

  test('small chunks of many sockets do not mix', async () => {
    const pairs = await Promise.all(Array.from({ length: 20 }, pair));
    const all = Promise.all(pairs.map(([, to]) => holdAll(prepare(to))));
    for (let round = 0; round < 20; round++) {
      for (const [n, [from]] of pairs.entries()) from.write(`${n}:${round} `);
      await new Promise(setImmediate);
    }
    for (const [from] of pairs) from.end();
    for (const [n, held] of (await all).entries())
      expect(String(together(held))).toBe(
        Array.from({ length: 20 }, (_, round) => `${n}:${round} `).join(''),
      );
  });

  test('what had come before is read too, and a pause holds', async () => {
    const [from, to] = await pair();
    from.write('early ');
    await expect.poll(() => prepare(to).readableLength).toBeGreaterThan(0);
    const held: Held[] = [];
    const heard = Promise.withResolvers<void>();
    readPooled(to, (chunk, release) => {
      held.push({ chunk, release });
      if (held.length === 2) to.pause();
      heard.resolve();
    });
    await heard.promise;
    while (!to.isPaused()) {
      from.write('more ');
      await new Promise(setImmediate);
    }
    const before = held.length;
    from.end('late');
    await once(from, 'finish');
    await new Promise(setImmediate);
    expect(held.length).toBe(before);
    to.resume();
    await once(to, 'end');
    expect(String(together(held))).toMatch(/^early (more )+late$/);
  });
});

test('a block that was given back is read into again, and by another socket', async () => {
  const seen = new Set<ArrayBufferLike>();
  let bytes = 0;
  for (let round = 0; round < 3; round++) {
    const [from, to] = await pair();
    readPooled(to, (chunk, release) => {
      bytes += chunk.length;
      if (chunk.length >= 16 * 1024) seen.add(chunk.buffer);
      release();
    });
    from.end(body);
    await once(to, 'end');
  }
  expect(bytes).toBe(3 * body.length);
  // One in use and one to read into, for the socket and for the one before it that is closing.
  expect(seen.size).toBeLessThanOrEqual(4);
});
