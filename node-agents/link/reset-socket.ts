/**
 * Ends a TCP connection so that the other side sees a failure (RST, RFC 9293 §3.10.5), and in a way that always
 * closes it. Used wherever a connection is cut: by the relay's lines, by joined flows, by what listens for programs.
 */
import type { Socket } from 'node:net';

/**
 * While the shutdown that `end` asks for is under way, Node 26 refuses to reset: `resetAndDestroy` then leaves the
 * connection open for ever, and the process turns in a circle at its end. By then all that was written is with the
 * system, and so is the FIN: nothing is cut off that could look complete, and a plain close is a whole one.
 */
export function resetSocket(socket: Socket): void {
  const ending = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (ending) socket.destroy();
  else socket.resetAndDestroy();
}
