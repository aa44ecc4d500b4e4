/**
 * The listener: HTTP/1.1, plain or TLS, with a bound on everything before a credential was shown. An
 * Upgrade request at one of the three doors is verified (`schema/relay/handshake.ts`) and let in
 * (`exchange.ts`); whoever asks how the relay is gets a word; everything else is a problem document.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from '#node-agents/process/http.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { doorOf, type Issuers, type Knock, verifyKnock } from '#schema/relay/handshake.ts';
import { problemOf } from '#schema/relay/problem.ts';
import { observePath, relayLimits, relayPaths } from '#schema/relay/wire.ts';
import type { Log } from '../process/log.ts';
import { type CallerLimits, Callers } from './callers.ts';
import type { Exchange } from './exchange.ts';
import { Waiting } from './waiting.ts';
import { isWebSocketRequest } from './websocket.ts';

export interface ListenerOptions {
  /** The relay's public URL: what proofs are made for. */
  url: string;
  exchange: Exchange;
  issuers: Issuers;
  now: () => number;
  log: Log;
  tls?: { cert: string | Buffer; key: string | Buffer } | undefined;
  callerLimits?: Partial<CallerLimits> | undefined;
  /** Answers `GET` of any other path; null when there is nothing there. */
  page(path: string): { status: number; body: object } | null;
}

export interface Listener {
  server: Server;
  /** Refusals by code since the start. */
  refused: ReadonlyMap<ErrorCode, number>;
  callers: Callers;
}

const headerBytes = 16 * 1024;

export function createListener(o: ListenerOptions): Listener {
  const settings = {
    maxHeaderSize: headerBytes,
    headersTimeout: relayLimits.handshakeMs,
    requestTimeout: relayLimits.handshakeMs,
    keepAliveTimeout: relayLimits.handshakeMs,
    connectionsCheckingInterval: 1_000,
    noDelay: true,
  };
  const server: Server = o.tls
    ? createTlsServer({
        ...settings,
        ...o.tls,
        allowHalfOpen: true,
        handshakeTimeout: relayLimits.handshakeMs,
        minVersion: 'TLSv1.2',
      })
    : createServer(settings);
  const listener = { server, refused: new Map<ErrorCode, number>(), callers: new Callers(o.callerLimits) };
  const refuseWith = (code: ErrorCode) => {
    listener.refused.set(code, (listener.refused.get(code) ?? 0) + 1);
  };
  server.on('connection', (socket: Socket) => {
    if (listener.callers.arrive(socket)) return;
    refuseWith('limit_reached');
    socket.destroy();
  });
  server.on('upgrade', (request, socket, head) => {
    void enter(o, listener, request, socket, head, refuseWith);
  });
  server.on('request', (request, response) => answer(o, request, response));
  server.on('clientError', (_error, socket) => socket.destroy());
  return listener;
}

/** One Upgrade request, from its arrival to its seat or its refusal. */
async function enter(
  o: ListenerOptions,
  { callers }: Listener,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  refuseWith: (code: ErrorCode) => void,
): Promise<void> {
  const waiting = new Waiting(socket, head, o.now);
  const refused = (code: ErrorCode, detail?: string) => {
    refuseWith(code);
    o.log.debug('refused', { code, detail, path: pathOf(request) });
    waiting.close(code);
  };
  try {
    const knock = knockOf(o, request);
    if (knock === null) return refused('not_found');
    const verdict = await verifyKnock(knock, o.issuers);
    if (!verdict.ok) return refused(verdict.code, verdict.detail);
    const { admission } = verdict;
    if (waiting.over) return;
    if (admission.carrier === 'websocket' && !isWebSocketRequest(request)) return refused('bad_request');
    const admitted = o.exchange.admit({ request, waiting, admission });
    if (!admitted.ok) return refused(admitted.code, admitted.detail);
    callers.vouch(request.socket);
  } catch (error) {
    o.log.error('door_failed', { error });
    refused('internal_error');
  }
}

function knockOf({ url, now }: ListenerOptions, request: IncomingMessage): Knock | null {
  const door = doorOf(pathOf(request), new URL(url).pathname);
  if (door === null) return null;
  const { headers, method = '' } = request;
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return { door, method, url: url.replace(/\/+$/, '') + relayPaths[door], header, nowMs: now() };
}

function answer(o: ListenerOptions, request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request);
  const isDoor = doorOf(path, new URL(o.url).pathname) !== null;
  const readable = request.method === 'GET' || request.method === 'HEAD';
  const base = new URL(o.url).pathname.replace(/\/$/, '');
  if (readable && path === base + observePath) return tellObserved(request, response);
  const page = readable && !isDoor ? o.page(path) : null;
  response.setHeader('connection', 'close');
  if (page !== null) {
    response.writeHead(page.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(page.body));
    return;
  }
  const code = !isDoor ? 'not_found' : readable ? 'version_unsupported' : 'method_not_allowed';
  const { status, headers, body } = problemOf(code, o.now());
  response.writeHead(status, headers);
  response.end(body);
}

/** The connection stays for a while: with it, so does what a NAT has made of it. */
function tellObserved({ socket }: IncomingMessage, response: ServerResponse): void {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ address, port: socket.remotePort ?? 0 }));
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
