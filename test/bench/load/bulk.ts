/**
 * Bulk flows side by side, one way. A flow counts only when every byte arrived: downloads end in whole
 * blocks, uploads are answered with the number of bytes that the origin saw.
 */
import type { Socket } from 'node:net';
import { openFlow, type Target } from './flow.ts';
import { blockBytes, matches } from './pattern.ts';
import { sendFor } from './send.ts';

export interface BulkJob {
  kind: 'bulk';
  target: Target;
  direction: 'down' | 'up';
  flows: number;
  milliseconds: number;
}

/** `milliseconds`: from the first command to the last byte of the last flow. */
export interface BulkResult {
  bytes: number;
  milliseconds: number;
}

export async function bulk(job: BulkJob): Promise<BulkResult> {
  const ready = await Promise.all(
    Array.from({ length: job.flows }, () => (job.direction === 'down' ? download(job) : upload(job))),
  );
  const start = performance.now();
  const sizes = await Promise.all(ready.map((run) => run()));
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), milliseconds: performance.now() - start };
}

type Run = () => Promise<number>;

async function download({ target, milliseconds }: BulkJob): Promise<Run> {
  let received = 0;
  let right = true;
  const done = Promise.withResolvers<void>();
  const socket = await openFlow(target, {
    bytes(buffer, length) {
      right &&= matches(buffer, length, received);
      received += length;
    },
    end: done.resolve,
    fail: done.reject,
  });
  return async () => {
    socket.write(`get ${milliseconds}\n`);
    await done.promise;
    socket.end();
    if (!right) throw new Error('a download brought other bytes than were sent');
    if (received === 0 || received % blockBytes !== 0)
      throw new Error(`a download ended after ${received} bytes`);
    return received;
  };
}

async function upload({ target, milliseconds }: BulkJob): Promise<Run> {
  let answer = '';
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => {}); // Reported by sendFor when that fails first.
  const socket: Socket = await openFlow(target, {
    bytes(buffer, length) {
      answer += Buffer.from(buffer.buffer, buffer.byteOffset, length).toString('latin1');
    },
    end: done.resolve,
    fail: done.reject,
  });
  return async () => {
    socket.write('put\n');
    await sendFor(socket, milliseconds);
    await done.promise;
    const [bytes, verdict] = answer.trim().split(' ');
    if (verdict !== 'ok') throw new Error(`an upload arrived as other bytes: ${answer}`);
    if (Number(bytes) % blockBytes !== 0) throw new Error(`an upload ended after ${bytes}`);
    return Number(bytes);
  };
}
