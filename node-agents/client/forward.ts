/**
 * `--forward 5432=db.internal:5432`: a local port that is one destination, for programs that know no proxy.
 * There is no protocol to carry a reason in, so a refusal is a reset connection and a line in the log.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { TcpDestination } from './destination.ts';
import type { Open } from './opening.ts';
import { abort, splice } from './splice.ts';

export interface ForwardOptions {
  open: Open;
  destination: TcpDestination;
}

const maxConnections = 4096;

/** @returns a server that is not listening yet. */
export function createForward({ open, destination }: ForwardOptions): Server {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true },
    (socket) => void serve(socket, destination, open),
  );
  server.maxConnections = maxConnections;
  return server;
}

async function serve(socket: Socket, destination: TcpDestination, open: Open): Promise<void> {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  socket.on('error', onClose).once('close', onClose);
  const clientAddress = socket.remoteAddress ?? '';
  const opening = await open({ destination, clientAddress, signal: gone.signal });
  if (!opening.ok) return abort(socket);
  if (socket.destroyed) return abort(opening.stream);
  splice(socket, opening.stream);
}
