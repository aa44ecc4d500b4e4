/**
 * Joins a program's socket to what was opened for it until both directions are done: backpressure, half-close
 * (FIN passes on, the other direction goes on), and an abort on one side is an abort on the other, so that a
 * truncated transfer never looks complete. Flows have their own way (`link/tunnel/splice.ts`).
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type OnPooled, readPooled } from '#node-agents/link/read-pooled.ts';
import { resetSocket } from '#node-agents/link/reset-socket.ts';
import { Flow } from '#node-agents/link/tunnel/flow.ts';
import { splice as spliceFlow } from '#node-agents/link/tunnel/splice.ts';

/** @param early bytes that the program has already sent behind its request. */
export function splice(near: Duplex, far: Duplex, early?: Uint8Array): void {
  if (early !== undefined && early.length > 0) far.write(early);
  if (far instanceof Flow && near instanceof Socket) return void spliceFlow(far, near);
  joinOneWay(near, far);
  joinOneWay(far, near);
  carry(near, far);
  carry(far, near);
  // One may have gone before anybody listened.
  if (near.destroyed) abort(far);
  if (far.destroyed) abort(near);
}

/** Ends a stream so that its peer sees a failure: RST on a socket, RESET(cancelled) on a flow. */
export function abort(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket) resetSocket(stream);
  else stream.destroy();
}

function carry(from: Duplex, to: Duplex): void {
  if (from instanceof Socket) carrySocket(from, to);
  else from.pipe(to);
}

/** As `pipe`, without a buffer for each read, nor a pause for what the system took at once. */
function carrySocket(from: Socket, to: Duplex): void {
  const take: OnPooled = (chunk, release) => {
    // After an error the system may still hold the chunk: then it is left to the collector.
    to.write(chunk, (error) => error ?? release());
    if (to.writableLength >= to.writableHighWaterMark) from.pause();
  };
  readPooled(from, take);
  to.on('drain', () => from.isPaused() && from.resume());
  // A program may have said all it has to say before the far side was there.
  if (from.readableEnded) to.end();
  else from.on('end', () => to.end());
}

function joinOneWay(from: Duplex, to: Duplex): void {
  from.on('error', () => abort(to));
  from.on('close', () => {
    if (!from.readableEnded || !from.writableFinished) abort(to);
  });
}
