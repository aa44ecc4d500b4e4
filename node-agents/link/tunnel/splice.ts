/**
 * Joins a flow to a socket: the Connector's to the destination, the Client's to a program. Bytes both ways,
 * each half closed by itself, a reset told to the other side. Nothing piles up: a slow socket keeps its
 * credit back, a slow flow pauses the socket.
 */
import type { Socket } from 'node:net';
import type { ErrorCode } from '#schema/errors.ts';
import { readPooled } from '../read-pooled.ts';
import { resetSocket } from '../reset-socket.ts';
import { codeOfSocketError } from '../socket-error.ts';
import type { Flow } from './flow.ts';
import { Gather } from './gather.ts';

/**
 * @param socket made with `allowHalfOpen`, or its end ends both directions.
 * @returns when both are closed: why, undefined after an orderly end. Bytes: `flow.bytesUp`, `flow.bytesDown`.
 */
export function splice(flow: Flow, socket: Socket): Promise<ErrorCode | undefined> {
  const done = Promise.withResolvers<ErrorCode | undefined>();
  const closed = (): void => {
    if (flow.closed && socket.closed) done.resolve(flow.code);
  };

  let taken = 0;
  let accounted = 0;
  const gather = new Gather(socket, account);
  /** What no longer waits here has found its place. */
  function account(): void {
    const passed = taken - gather.waiting;
    flow.consumed(passed - accounted);
    accounted = passed;
  }
  flow.divert({
    onData(slice) {
      taken += slice.length;
      const kept = gather.put(slice);
      account();
      return kept;
    },
    onEnd() {
      gather.flush();
      socket.end();
    },
  });

  readPooled(socket, (chunk, release) => {
    // After an error the mux may still hold the chunk: then it is left to the collector.
    if (!flow.write(chunk, (error) => error ?? release())) socket.pause();
  });
  flow.on('drain', () => socket.resume());
  // A program may have said all it has to say before the far side was there.
  if (socket.readableEnded) flow.end();
  else socket.on('end', () => flow.end());

  socket.on('error', (error) => flow.reset(codeOfSocketError(error)));
  socket.on('close', () => {
    // Closed by somebody before the flow had its end: the peer must not wait for it.
    if (!(flow.writableEnded && flow.readableEnded)) flow.reset('connection_reset');
    closed();
  });
  flow.on('close', () => {
    if (!(flow.readableEnded && flow.writableFinished)) resetSocket(socket);
    closed();
  });
  if (flow.destroyed) resetSocket(socket);
  if (socket.destroyed) flow.reset('connection_reset');
  return done.promise;
}
