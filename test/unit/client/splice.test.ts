/** Proves client/splice.ts for two sockets, as of a way straight out: they behave as one connection would. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { splice } from '#node-agents/client/splice.ts';
import { plainData, rawPair } from '../link/tunnel/loopback.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** 16 MiB in which no two places look alike. */
const body = Buffer.from(Uint32Array.from({ length: 1 << 22 }, (_, at) => Math.imul(at, 0x9e3779b1)).buffer);

async function allOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

describe.each([
  ['read in place', (socket: Socket) => socket],
  ['read by data events', plainData],
])('%s', (_way, prepare) => {
  /** program ⇄ near, joined to far ⇄ server. */
  async function joined(early?: Uint8Array) {
    const [program, near] = await rawPair();
    const [far, server] = await rawPair();
    for (const socket of [program, near, far, server]) {
      socket.allowHalfOpen = true;
      sockets.push(socket);
    }
    splice(prepare(near), prepare(far), early);
    return { program, near, far, server };
  }

  test('both directions arrive whole, each closed by itself', async () => {
    const { program, server } = await joined();
    program.end(body);
    expect((await allOf(server)).equals(body)).toBe(true);
    server.end(body);
    expect((await allOf(program)).equals(body)).toBe(true);
  });

  test('what came behind the request goes first', async () => {
    const { program, server } = await joined(Buffer.from('early, '));
    program.end('late');
    expect((await allOf(server)).toString()).toBe('early, late');
  });

  test('a reader that stops stops the sender, and little waits in between', async () => {
    const { program, far, server } = await joined();
    server.pause();
    program.write(body);
    program.end();
    await expect.poll(() => far.writableNeedDrain).toBe(true);
    expect(far.writableLength).toBeLessThanOrEqual(256 * 1024);
    expect((await allOf(server)).equals(body)).toBe(true);
  });

  test('a reset on either side is one on the other', async () => {
    for (const way of ['program', 'server'] as const) {
      const made = await joined();
      const other = made[way === 'program' ? 'server' : 'program'];
      const failure = once(other.resume(), 'error');
      made[way].resetAndDestroy();
      expect((await failure)[0]).toMatchObject({ code: 'ECONNRESET' });
    }
  });
});
