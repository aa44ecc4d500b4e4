/**
 * WebSocket over an absolute-form request (`GET http://host/ws` with `Upgrade: websocket`): the handshake
 * passes to the destination on a connection of its own; after its 101 the proxy only moves bytes. Any other
 * upgrade (h2c above all) is not passed on: `isWebSocket` lets node:http treat it as a plain request.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { request as httpRequest, ServerResponse } from '#node-agents/process/http.ts';
import { splice } from '../splice.ts';
import type { ProxyContext } from './context.ts';
import { isFinal, outgoing, parseTarget, reasonOf } from './forward.ts';
import { endToEnd, withVia } from './hop-by-hop.ts';
import { RefusedOpening } from './pool.ts';
import { endWithRefusal } from './refusal.ts';

/** A body before an upgrade would be read as the new protocol's bytes: such a request is not one. */
export function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

export function upgrade(context: ProxyContext, request: IncomingMessage, socket: Duplex, early: Buffer) {
  const gone = new AbortController();
  const onClose = () => gone.abort();
  socket.on('error', onClose).once('close', onClose);
  if (!context.authorized(request)) return endWithRefusal(socket, { ok: false, code: 'proxy_auth_required' });
  const target = parseTarget(request.url ?? '');
  if (!target.ok) return endWithRefusal(socket, target);
  const handshake = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];
  const upstream = httpRequest(outgoing(context, target.target, request, gone.signal, handshake));
  gone.signal.addEventListener('abort', () => upstream.destroy());
  upstream.on('upgrade', (answer, far, first) => {
    socket.off('close', onClose);
    const fields = withVia(endToEnd(answer.rawHeaders), answer.httpVersion);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines([...fields, ...handshake])}\r\n`);
    if (first.length > 0) socket.write(first);
    splice(socket, far, early);
  });
  upstream.on('response', (answer) => declined(answer, request, socket));
  upstream.on('error', (error) => {
    const refusal = error instanceof RefusedOpening ? error.refusal : undefined;
    endWithRefusal(socket, refusal ?? { ok: false, code: 'connection_reset' });
  });
  upstream.end();
}

/** The destination answered like any other request: pass that on and close. */
function declined(answer: IncomingMessage, request: IncomingMessage, socket: Duplex): void {
  if (!isFinal(answer)) return endWithRefusal(socket, { ok: false, code: 'protocol_error' });
  const response = new ServerResponse(request);
  response.assignSocket(socket as never);
  response.sendDate = false;
  response.shouldKeepAlive = false;
  response.writeHead(
    answer.statusCode!,
    reasonOf(answer),
    withVia(endToEnd(answer.rawHeaders), answer.httpVersion),
  );
  answer.pipe(response);
  answer.on('close', () => answer.complete || socket.destroy());
  response.on('finish', () => socket.end());
}

function lines(flat: readonly string[]): string {
  let text = '';
  for (let i = 0; i + 1 < flat.length; i += 2) text += `${flat[i]}: ${flat[i + 1]}\r\n`;
  return text;
}
