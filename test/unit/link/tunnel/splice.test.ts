/** Proves link/tunnel/splice.ts: socket → Client → Connector → socket behaves as one connection would. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Flow } from '#node-agents/link/tunnel/flow.ts';
import { splice } from '#node-agents/link/tunnel/splice.ts';
import { allOf, type Loopback, loopback, plainData, settled, toOrigin } from './loopback.ts';

let made: Loopback | undefined;
const servers: net.Server[] = [];
afterEach(async () => {
  await made?.close();
  made = undefined;
  for (const server of servers.splice(0)) server.close();
});

async function listen(onSocket: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as net.AddressInfo).port;
}

/** @returns the port of the Client; whatever connects there reaches `origin`. */
async function chain(origin: (socket: net.Socket) => void, prepare = (socket: net.Socket) => socket) {
  const originPort = await listen(origin);
  const ends: Promise<string | undefined>[] = [];
  const flows: Flow[] = [];
  made = await loopback((request) => {
    const out = net.connect({ port: originPort, host: '127.0.0.1', allowHalfOpen: true });
    out.once('connect', () => ends.push(splice(request.accept({ resolved: '127.0.0.1' }), prepare(out))));
  });
  const { client } = made;
  const port = await listen((socket) => {
    const flow = client.openFlow(toOrigin);
    flows.push(flow);
    ends.push(splice(flow, prepare(socket)));
  });
  return { port, ends, flows, client };
}

test('both directions, each closed by itself', async () => {
  const { port, ends, flows, client } = await chain((socket) => {
    allOf(socket).then((asked) => socket.end(asked.toUpperCase()));
  });
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end('question');
  expect(await allOf(socket)).toBe('QUESTION');
  expect(await Promise.all(ends)).toEqual([undefined, undefined]);
  expect([flows[0]!.bytesUp, flows[0]!.bytesDown]).toEqual([8, 8]);
  expect(client.flows).toBe(0);
});

test('a reset at the origin is a reset for the program', async () => {
  const { port, ends } = await chain((socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  });
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.write('x');
  const [error] = (await once(socket, 'error').catch((error) => [error])) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  expect(await Promise.all(ends)).toEqual(['connection_reset', 'connection_reset']);
});

test('a program that vanishes resets the origin', async () => {
  const gone = Promise.withResolvers<void>();
  const { port, ends } = await chain((socket) => {
    socket.on('error', () => {});
    socket.on('close', () => gone.resolve());
    socket.write('hello');
  });
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'data');
  socket.resetAndDestroy();
  await gone.promise;
  expect(await Promise.all(ends)).toEqual(['connection_reset', 'connection_reset']);
});

const chunkBytes = 64 * 1024;
/** 64 KiB that say where they belong. */
function chunkAt(position: number): Buffer {
  const words = new Uint32Array(chunkBytes / 4);
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(position / 4 + at, 0x9e3779b1);
  return Buffer.from(words.buffer);
}

test('a slow reader holds back the origin, and gets everything in the end', async () => {
  const total = 48 * 1024 * 1024;
  let written = 0;
  const { port } = await chain((socket) => {
    const pour = (): void => {
      for (let more = true; more && written < total; written += chunkBytes)
        more = socket.write(chunkAt(written));
      if (written === total) socket.end();
    };
    socket.on('drain', pour);
    pour();
  });
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'readable');
  await settled(() => written);
  // Kernel buffers on three connections and one window.
  expect(written).toBeLessThan(total);
  let bytes = 0;
  const received = createHash('sha256');
  for await (const chunk of socket) {
    received.update(chunk);
    bytes += chunk.length;
  }
  const sent = createHash('sha256');
  for (let at = 0; at < total; at += chunkBytes) sent.update(chunkAt(at));
  expect(bytes).toBe(total);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
});

describe.each([
  ['in place', (socket: net.Socket) => socket],
  ['by data events', plainData],
])('sockets read %s', (_way, prepare) => {
  test('bulk both ways over many flows is not mixed up while others break off', async () => {
    const total = 6 * 1024 * 1024;
    const { port, client } = await chain((socket) => void socket.on('error', () => {}).pipe(socket), prepare);
    const sound = Array.from({ length: 4 }, async (_, n) => {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const sent = createHash('sha256');
      const pour = async (): Promise<void> => {
        // Odd lengths: chunks of every size are read.
        for (let at = 0, length = 0; at < total; at += length) {
          const chunk = chunkAt(at * (n + 1));
          length = 1 + ((at * 31 + n * 977) % chunk.length);
          sent.update(chunk.subarray(0, length));
          if (!socket.write(chunk.subarray(0, length))) await once(socket, 'drain');
        }
        socket.end();
      };
      const received = createHash('sha256');
      const poured = pour();
      for await (const chunk of socket) received.update(chunk);
      await poured;
      expect(received.digest('hex')).toBe(sent.digest('hex'));
    });
    for (let n = 0; n < 30; n++) {
      const socket = net.connect({ port, host: '127.0.0.1' }).on('error', () => {});
      for (let at = 0; at < 8; at++) socket.write(chunkAt(at));
      let left = 16 * 1024 * n;
      socket.on('data', (chunk) => {
        left -= chunk.length;
        if (left <= 0) socket.resetAndDestroy();
      });
    }
    await Promise.all(sound);
    await expect.poll(() => client.flows).toBe(0);
  });
});

test('a program that had ended before the flow was there ends it', async () => {
  const heard = Promise.withResolvers<string>();
  const { client } = await chain((socket) => {
    allOf(socket).then((asked) => {
      heard.resolve(asked);
      socket.end('answer');
    });
  });
  const port = await listen(async (socket) => {
    await once(socket.resume(), 'end');
    const flow = client.openFlow(toOrigin);
    flow.write('said before');
    void splice(flow, socket);
  });
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end();
  expect(await allOf(socket)).toBe('answer');
  expect(await heard.promise).toBe('said before');
});

test('a flow that has already ended takes the socket with it', async () => {
  const { client } = await chain(() => {});
  const flow = client.openFlow(toOrigin);
  flow.reset('cancelled');
  const port = await listen((socket) => {
    expect(splice(flow, socket)).toBeInstanceOf(Promise);
  });
  const socket = net.connect({ port, host: '127.0.0.1' });
  const closed = Promise.withResolvers<void>();
  socket.on('error', () => {});
  socket.on('close', () => closed.resolve());
  await closed.promise;
});
