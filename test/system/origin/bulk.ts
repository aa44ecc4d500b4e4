/**
 * An HTTP origin for large bodies: GET /<bytes> sends that many pseudo-random bytes, POST /sum answers the
 * SHA-256 of what it got. The stream is one block over and over, so that making it costs nothing.
 */
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const block = Buffer.alloc(1024 * 1024);
for (let i = 0, x = 0x9e3779b9; i < block.length; i += 4) {
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  block.writeInt32LE(x | 0, i);
}

export async function startBulk(address: string, port: number): Promise<{ stop(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const hash = createHash('sha256');
      for await (const chunk of request) hash.update(chunk as Buffer);
      response.end(hash.digest('hex'));
      return;
    }
    const bytes = Number(request.url!.slice(1));
    response.setHeader('content-length', bytes);
    // A reader may leave in the middle: that is its own affair.
    await pipeline(Readable.from(blocks(bytes), { objectMode: false }), response).catch(() => {});
  });
  server.listen(port, address);
  await once(server, 'listening');
  return {
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The SHA-256 of a stream of that length. */
export function sumOf(bytes: number): string {
  const hash: Hash = createHash('sha256');
  for (let left = bytes; left > 0; left -= block.length) {
    hash.update(left < block.length ? block.subarray(0, left) : block);
  }
  return hash.digest('hex');
}

export function* blocks(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= block.length) {
    yield left < block.length ? block.subarray(0, left) : block;
  }
}
