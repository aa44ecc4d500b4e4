/**
 * Opens a WebSocket as an agent does: with credentials in headers, no compression, a bound on messages, and
 * every way to fail as one `SallyportError`. Standing links (`standing-link.ts`) and the WebSocket carrier
 * (`relay/websocket-carrier.ts`) are built on it.
 */
import WebSocket from 'ws';
import { SallyportError } from '#schema/errors.ts';
import { refusalOf, timedOut, type UnreachableCode, unreachable } from './failure.ts';
import { agentFor, type Outward } from './outward.ts';

export interface OpenOptions {
  url: string;
  headers: Record<string, string>;
  protocol?: string;
  /** Bytes of one message; a longer one closes the socket. */
  messageBytes: number;
  timeoutMs: number;
  signal?: AbortSignal;
  code: UnreachableCode;
  outward?: Outward | undefined;
  /**
   * All that will be sent is ciphertext. The mask of RFC 6455 §10.3 keeps others from choosing the bytes on
   * the wire, which nobody can here: a mask of zeros spares a copy and more than half of the cost.
   */
  ciphertext?: boolean;
}

/** @returns an open socket that is paused: attach listeners, then `resume()`, and nothing is missed. */
export function openWebSocket(o: OpenOptions): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    if (o.signal?.aborted) return reject(new SallyportError('cancelled'));
    const agent = agentFor(o.url, o.outward);
    const socket = new WebSocket(o.url, o.protocol === undefined ? [] : [o.protocol], {
      headers: o.headers,
      perMessageDeflate: false,
      maxPayload: o.messageBytes,
      ...(agent && { agent }),
      ...(o.ciphertext && { generateMask: () => {} }),
    });
    const timer = setTimeout(() => fail(unreachable(o.code, o.url, timedOut())), o.timeoutMs);
    const onAbort = () => fail(new SallyportError('cancelled'));
    const settle = () => {
      clearTimeout(timer);
      o.signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: SallyportError) => {
      settle();
      socket.on('error', () => {}); // Terminating a socket that is still connecting makes it complain.
      socket.terminate();
      reject(error);
    };
    o.signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error) => fail(unreachable(o.code, o.url, error)));
    socket.once('unexpected-response', (_request, response) => {
      refusalOf(response, o.code, o.url).then(fail);
    });
    socket.once('open', () => {
      settle();
      socket.pause();
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
