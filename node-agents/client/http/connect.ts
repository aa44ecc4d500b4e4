/**
 * CONNECT (RFC 9110 §9.3.6): the far side must have accepted before the program is told 200, so that a
 * refusal reaches it with its reason. Whatever passes afterwards is none of the proxy's business.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseAuthority } from '../destination.ts';
import type { Open } from '../opening.ts';
import { abort, splice } from '../splice.ts';
import type { ProxyContext } from './context.ts';
import { endWithRefusal } from './refusal.ts';

/** A request that node:http has read. */
export function connect(
  { open, authorized }: ProxyContext,
  request: IncomingMessage,
  socket: Duplex,
  early: Buffer,
): void {
  if (authorized(request)) {
    const clientAddress = request.socket.remoteAddress ?? '';
    return void connectTo(open, request.url ?? '', clientAddress, socket, early);
  }
  socket.on('error', () => {});
  endWithRefusal(socket, { ok: false, code: 'proxy_auth_required' });
}

/** @param authority as the program wrote it. @param early what it has sent behind its request. */
export async function connectTo(
  open: Open,
  authority: string,
  clientAddress: string,
  socket: Duplex,
  early: Buffer,
): Promise<void> {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  socket.on('error', onClose).once('close', onClose);
  const target = parseAuthority(authority);
  if (!target.ok) return endWithRefusal(socket, target);
  const opening = await open({ destination: target.destination, clientAddress, signal: gone.signal });
  if (!opening.ok) return endWithRefusal(socket, opening);
  if (socket.destroyed) return abort(opening.stream);
  socket.off('close', onClose);
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  splice(socket, opening.stream, early);
}
