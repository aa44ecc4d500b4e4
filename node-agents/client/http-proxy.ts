/**
 * The HTTP proxy that programs point `http_proxy` and `https_proxy` at: CONNECT (`http/connect.ts`),
 * absolute-form requests (`http/forward.ts`), WebSocket (`http/upgrade.ts`), and health for probes. Parsing
 * is node:http's, strict: an ambiguous message is answered 400 and never passed on. Only a CONNECT that leaves
 * nothing to parse goes past it (`http/first-bytes.ts`).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from '#node-agents/process/http.ts';
import { connect, connectTo } from './http/connect.ts';
import type { ProxyContext } from './http/context.ts';
import { FirstBytes } from './http/first-bytes.ts';
import { forward } from './http/forward.ts';
import { FlowAgent } from './http/pool.ts';
import { endWithRefusal } from './http/refusal.ts';
import { isWebSocket, upgrade } from './http/upgrade.ts';
import type { Open } from './opening.ts';
import { basicMatches, type ProxyCredentials } from './password.ts';

export interface HttpProxyOptions {
  open: Open;
  credentials?: ProxyCredentials;
  /** Answers requests in origin-form: those for the proxy itself. */
  local(request: IncomingMessage, response: ServerResponse, authorized: boolean): void;
}

const limits = {
  maxHeaderSize: 64 * 1024,
  /** For a whole head to arrive. */
  headersTimeout: 30_000,
  /** A body may take as long as it takes. */
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
} as const;
const maxConnections = 8192;

/** @returns a server that is not listening yet; closing it also ends pooled connections. */
export function createHttpProxy({ open, credentials, local }: HttpProxyOptions): Server {
  const context: ProxyContext = {
    open,
    agent: new FlowAgent(open),
    authorized: (request) =>
      credentials === undefined || basicMatches(credentials, request.headers['proxy-authorization']),
    local,
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) =>
    forward(context, request, response);
  const server = createServer({ ...limits, noDelay: true, shouldUpgradeCallback: isWebSocket });
  server.maxConnections = maxConnections;
  server.on('request', onRequest);
  // The destination says whether to continue; without a listener node:http would say it in its place.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('connect', (request, socket, early) => connect(context, request, socket, early));
  server.on('upgrade', (request, socket, early) => upgrade(context, request, socket, early));
  server.on('clientError', onUnreadable);
  server.on('close', () => context.agent.destroy());
  // With a password each head has to be read.
  if (credentials === undefined) lookAtFirstBytes(server, open);
  return server;
}

/** In front of node:http, which is handed whatever is no plain CONNECT. */
function lookAtFirstBytes(server: Server, open: Open): void {
  const toHttp = server.listeners('connection') as ((socket: Socket) => void)[];
  const first = new FirstBytes({
    withinMs: limits.headersTimeout,
    onConnect: (socket, authority, early) =>
      void connectTo(open, authority, socket.remoteAddress ?? '', socket, early),
    onAnythingElse(socket) {
      for (const listener of toHttp) listener.call(server, socket);
      socket.resume();
    },
    onLate: (socket) =>
      onUnreadable(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket),
  });
  server.removeAllListeners('connection');
  server.on('connection', (socket) => first.accept(socket));
  // Also what `close` calls.
  const closeIdle = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    first.closeIdle();
    closeIdle();
  };
}

function onUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  endWithRefusal(socket, {
    ok: false,
    code: 'bad_request',
    detail: `the request could not be read (${error.code})`,
  });
}
