/**
 * CONNECT (RFC 9110 §9.3.6): the far side must have accepted before the program is told 200, so that a
 * refusal reaches it with its reason. Whatever passes afterwards is none of the proxy's business.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseAuthority } from '../destination.ts';
import { abort, splice } from '../splice.ts';
import type { ProxyContext } from './context.ts';
import { endWithRefusal } from './refusal.ts';

export async function connect(
  { open, authorized }: ProxyContext,
  request: IncomingMessage,
  socket: Duplex,
  early: Buffer,
): Promise<void> {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  socket.on('error', onClose).once('close', onClose);
  if (!authorized(request)) return endWithRefusal(socket, { ok: false, code: 'proxy_auth_required' });
  const target = parseAuthority(request.url ?? '');
  if (!target.ok) return endWithRefusal(socket, target);
  const clientAddress = request.socket.remoteAddress ?? '';
  const opening = await open({ destination: target.destination, clientAddress, signal: gone.signal });
  if (!opening.ok) return endWithRefusal(socket, opening);
  if (socket.destroyed) return abort(opening.stream);
  socket.off('close', onClose);
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  splice(socket, opening.stream, early);
}
