/**
 * `--forward 5432=db.internal:5432`: a local port that is one destination, for programs that know no proxy.
 * There is no protocol to carry a reason in, so a refusal is a reset connection and a line in the log.
 */
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { refuse, type Verdict } from '#schema/errors.ts';
import { parseAuthority, type TcpDestination } from './destination.ts';
import type { Open } from './opening.ts';
import { abort, splice } from './splice.ts';

export interface Forward {
  listen: { host: string; port: number };
  destination: TcpDestination;
}

export interface ForwardOptions {
  open: Open;
  forward: Forward;
}

const maxConnections = 4096;

/** @returns a server that is not listening yet. */
export function createForward({ open, forward }: ForwardOptions): Server {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
    (socket) => void serve(socket, forward.destination, open),
  );
  server.maxConnections = maxConnections;
  return server;
}

/** `[ADDR:]PORT=HOST:PORT`; without an address it listens on 127.0.0.1 alone. Port 0: any free one. */
export function parseForward(text: string): Verdict<{ forward: Forward }, 'config_invalid'> {
  const bad = (why: string) =>
    refuse(
      'config_invalid',
      `--forward ${text}: ${why} (write [ADDR:]PORT=HOST:PORT, as in 5432=db.internal:5432)`,
    );
  const equals = text.indexOf('=');
  if (equals < 0) return bad('the `=` is missing');
  const listen = parseListen(text.slice(0, equals));
  if (!listen.ok) return bad(listen.detail!);
  const target = parseAuthority(text.slice(equals + 1));
  if (!target.ok) return bad(target.detail!);
  return { ok: true, forward: { listen: listen.listen, destination: target.destination } };
}

/** `PORT`, `ADDR:PORT` or `[v6]:PORT`: how every listener of the Client is written. */
export function parseListen(
  text: string,
): Verdict<{ listen: { host: string; port: number } }, 'config_invalid'> {
  const parts = /^(?:(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  if (!parts || port > 65535) return refuse('config_invalid', `“${text}” is not an address to listen on`);
  const host = (parts[1] ?? '127.0.0.1').replace(/^\[|\]$/g, '');
  if (isIP(host) === 0 && host !== 'localhost') {
    return refuse('config_invalid', `“${host}” is not an IP address to listen on`);
  }
  return { ok: true, listen: { host, port } };
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
