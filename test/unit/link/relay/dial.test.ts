import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { dialRelay } from '#node-agents/link/relay/dial.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import { wireOf } from '#schema/errors.ts';
import { closeCodeOf, relayProtocol } from '#schema/relay/wire.ts';
import {
  acceptRaw,
  acceptWebSocket,
  deadUrl,
  refusedWith,
  refuseUpgrade,
  startPeer,
  stopPeers,
  until,
} from '../peers.ts';

const streams = new Set<Duplex>();
afterEach(async () => {
  for (const stream of streams) stream.destroy();
  streams.clear();
  await stopPeers();
});

const relayAt = (url: string, ...carriers: RelayEntry['carriers']): RelayEntry => ({
  id: 'rel_1',
  url,
  carriers,
});

async function dial(relay: RelayEntry, more: Partial<Parameters<typeof dialRelay>[0]> = {}) {
  const stream = await dialRelay({
    relay,
    door: 'connect',
    headers: { 'x-test': '1' },
    timeoutMs: 2_000,
    ...more,
  });
  streams.add(stream);
  stream.on('error', () => {});
  return stream;
}

async function read(stream: Duplex, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let got = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    got += chunk.length;
    if (got >= length) break;
  }
  return Buffer.concat(chunks);
}

describe('the raw carrier', () => {
  test('is the socket itself, with what came right behind the 101', async () => {
    const { url } = await startPeer({
      upgrade(request, socket) {
        expect(request.url).toBe('/base/relay/v1/connect');
        expect(request.headers).toMatchObject({ upgrade: 'sallyport', connection: 'Upgrade', 'x-test': '1' });
        acceptRaw(socket, 'first bytes');
        socket.pipe(socket);
      },
    });
    const stream = await dial(relayAt(`${url}/base`, 'raw'));
    expect(stream).toBeInstanceOf(Socket);
    expect(String(await read(stream, 11))).toBe('first bytes');
    stream.write('and more');
    expect(String(await read(stream, 8))).toBe('and more');
  });

  test('hands over head bytes that came in one packet with the 101', async () => {
    const { url } = await startPeer({
      upgrade: (_, socket) => {
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: sallyport\r\n\r\nhello',
        );
      },
    });
    expect(String(await read(await dial(relayAt(url, 'raw')), 5))).toBe('hello');
  });
});

describe('the WebSocket carrier', () => {
  async function pair(): Promise<{ stream: Duplex; far: WebSocket }> {
    let far: WebSocket | undefined;
    const { url } = await startPeer({
      upgrade: (request, socket, head) =>
        acceptWebSocket(request, socket, head, (accepted) => {
          expect(accepted.protocol).toBe(relayProtocol);
          far = accepted;
        }),
    });
    const stream = await dial(relayAt(url, 'websocket'));
    await until(() => far !== undefined, 'the far side');
    return { stream, far: far! };
  }

  test('carries every byte both ways, in any division', async () => {
    const { stream, far } = await pair();
    far.on('message', (data, isBinary) => far.send(data, { binary: isBinary }));
    const bytes = randomBytes(3_000_000);
    for (let at = 0, n = 1; at < bytes.length; at += n, n = (n * 7) % 400_001) {
      stream.write(bytes.subarray(at, at + n));
    }
    expect((await read(stream, bytes.length)).equals(bytes)).toBe(true);
  });

  test('receives what the relay sends at once', async () => {
    const { url } = await startPeer({
      upgrade: (request, socket, head) =>
        acceptWebSocket(request, socket, head, (far) => far.send(Buffer.from('at once'))),
    });
    expect(String(await read(await dial(relayAt(url, 'websocket')), 7))).toBe('at once');
  });

  test('keeps messages below the relay’s limit', async () => {
    const { stream, far } = await pair();
    let longest = 0;
    let total = 0;
    far.on('message', (data: Buffer) => {
      longest = Math.max(longest, data.length);
      total += data.length;
    });
    stream.write(Buffer.alloc(5_000_000));
    await until(() => total === 5_000_000, 'all of it');
    expect(longest).toBeLessThanOrEqual(256 * 1024);
  });

  test('answers a mark, and keeps text out of the stream', async () => {
    const { stream, far } = await pair();
    const said: string[] = [];
    far.on('message', (data, isBinary) => isBinary || said.push(String(data)));
    far.send(Buffer.from('one'));
    far.send('{"type":"mark","n":7}');
    far.send('nonsense');
    far.send(Buffer.from('two'));
    expect(String(await read(stream, 6))).toBe('onetwo');
    await until(() => said.length === 1, 'the answer');
    expect(JSON.parse(said[0]!)).toEqual({ type: 'seen', n: 7 });
  });

  test('leaves a mark unanswered while its reader is behind', async () => {
    const { stream, far } = await pair();
    const said: string[] = [];
    far.on('message', (data) => said.push(String(data)));
    const total = 64 * 1024 * 1024;
    for (let sent = 0; sent < total; sent += 1 << 20) far.send(Buffer.alloc(1 << 20));
    far.send('{"type":"mark","n":1}');
    stream.read(0);
    await until(() => stream.readableLength > 0, 'the first bytes');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(said).toEqual([]);
    expect(stream.readableLength).toBeLessThan(4 * 1024 * 1024);
    stream.resume();
    await until(() => said.length === 1, 'the answer');
  });

  test('holds up the writer when the far side does not read', async () => {
    const { stream, far } = await pair();
    far.pause();
    const step = 1 << 20;
    while (stream.write(Buffer.alloc(step)));
    let drained = false;
    stream.once('drain', () => {
      drained = true;
    });
    for (let i = 0; i < 63; i++) stream.write(Buffer.alloc(step));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(drained, 'the kernel’s buffers alone cannot hold 64 MiB').toBe(false);
    far.resume();
    await until(() => drained, 'the rest');
  });

  test('ends when the relay closes it plainly', async () => {
    const { stream, far } = await pair();
    far.send(Buffer.from('last'));
    far.close(1000);
    expect(String(await read(stream, 5))).toBe('last');
    await until(() => stream.destroyed, 'the end');
    expect(stream.errored).toBeNull();
  });

  test('fails with the code that the relay closes it with', async () => {
    const { stream, far } = await pair();
    far.close(closeCodeOf(wireOf('revoked')));
    stream.resume();
    await until(() => stream.destroyed, 'the end');
    expect(stream.errored).toMatchObject({ code: 'revoked' });
  });

  test('fails as gone when the connection breaks', async () => {
    const { stream, far } = await pair();
    far.terminate();
    stream.resume();
    await until(() => stream.destroyed, 'the end');
    expect(stream.errored).toMatchObject({ code: 'peer_gone' });
  });

  test('closes the WebSocket when it is ended or destroyed', async () => {
    for (const how of ['end', 'destroy'] as const) {
      const { stream, far } = await pair();
      let code = 0;
      far.on('close', (closed) => {
        code = closed;
      });
      stream.resume();
      stream[how]();
      await until(() => code !== 0, `closed after ${how}`);
      expect(code).toBe(1000);
    }
  });
});

describe('a relay that cannot be used', () => {
  for (const carrier of ['raw', 'websocket'] as const) {
    test(`says why over ${carrier}`, async () => {
      const { url } = await startPeer({ upgrade: (_, socket) => refuseUpgrade(socket, 'connector_offline') });
      expect((await refusedWith(dial(relayAt(url, carrier)))).code).toBe('connector_offline');
    });

    test(`is named with the reason over ${carrier}`, async () => {
      const url = await deadUrl();
      const error = await refusedWith(dial(relayAt(url, carrier)));
      expect(error.code).toBe('relay_unreachable');
      expect(error.message).toBe(`cannot reach ${url}: the connection was refused`);
    });

    test(`is given up after the time allowed over ${carrier}`, async () => {
      const { url } = await startPeer({ upgrade: () => {} });
      const error = await refusedWith(dial(relayAt(url, carrier), { timeoutMs: 80 }));
      expect(error.message).toContain('does not answer in time');
    });

    test(`is let go of when the dial is cancelled over ${carrier}`, async () => {
      let gone = false;
      let asked = false;
      const { url } = await startPeer({
        upgrade: (_, socket) => {
          asked = true;
          socket.on('end', () => {
            gone = true;
          });
          socket.resume();
        },
      });
      const cancel = new AbortController();
      const dialling = refusedWith(dial(relayAt(url, carrier), { signal: cancel.signal }));
      await until(() => asked, 'the request');
      cancel.abort();
      expect((await dialling).code).toBe('cancelled');
      await until(() => gone, 'the relay to notice');
    });
  }

  test('does not make it try another carrier after its own refusal', async () => {
    let asked = 0;
    const { url } = await startPeer({
      upgrade: (_, socket) => {
        asked++;
        refuseUpgrade(socket, 'token_expired');
      },
    });
    await refusedWith(dial(relayAt(url, 'raw', 'websocket')));
    expect(asked).toBe(1);
  });

  test('is tried over WebSocket, with a fresh proof, where something in between stops the raw upgrade', async () => {
    let proofs = 0;
    const seen: unknown[] = [];
    const { url } = await startPeer({
      upgrade(request, socket, head) {
        seen.push(request.headers['dpop']);
        if (request.headers.upgrade === 'sallyport') {
          socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
        } else {
          acceptWebSocket(request, socket, head, () => {});
        }
      },
    });
    await dial(relayAt(url, 'raw', 'websocket'), { headers: async () => ({ dpop: `proof-${++proofs}` }) });
    expect(seen).toEqual(['proof-1', 'proof-2']);
  });
});
