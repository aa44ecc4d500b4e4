/**
 * Real servers on loopback that stand for the Controller and for relays in the link tests: they speak HTTP,
 * Upgrade and WebSocket, and do what each test tells them.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { createLog, type Log } from '#node-agents/process/log.ts';
import type { Random } from '#node-agents/process/random.ts';
import { type ErrorCode, errors, SallyportError } from '#schema/errors.ts';

export const random: Random = (length) => crypto.getRandomValues(new Uint8Array(length));

export interface Captured {
  log: Log;
  lines: string[];
}

export function quietLog(): Captured {
  const lines: string[] = [];
  return { log: createLog({ level: 'debug', write: (line) => lines.push(line) }), lines };
}

export interface Peer {
  url: string;
  server: Server;
  stop(): Promise<void>;
}

interface Answers {
  request?: (request: IncomingMessage, body: string, response: ServerResponse) => void;
  upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

const running = new Set<Peer>();

export async function startPeer(answers: Answers): Promise<Peer> {
  const sockets = new Set<Duplex>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (answers.request) answers.request(request, body, response);
    else response.writeHead(404).end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    if (answers.upgrade) answers.upgrade(request, socket, head);
    else refuseUpgrade(socket, 'not_found');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer: Peer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async stop() {
      running.delete(peer);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  running.add(peer);
  return peer;
}

export async function stopPeers(): Promise<void> {
  await Promise.all([...running].map((peer) => peer.stop()));
}

/** A port on which nobody listens. */
export async function deadUrl(): Promise<string> {
  const peer = await startPeer({});
  await peer.stop();
  return peer.url;
}

export const problem = (code: ErrorCode, more: object = {}): string =>
  JSON.stringify({ type: `urn:sallyport:problem:${code}`, code, status: errors[code].status, ...more });

export function sendProblem(response: ServerResponse, code: ErrorCode, more: object = {}): void {
  response.writeHead(errors[code].status, { 'content-type': 'application/problem+json' });
  response.end(problem(code, more));
}

export function refuseUpgrade(socket: Duplex, code: ErrorCode, more: object = {}): void {
  const body = problem(code, more);
  socket.end(
    `HTTP/1.1 ${errors[code].status} No\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

export function acceptRaw(socket: Duplex, head: string | Buffer = ''): void {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: sallyport\r\n\r\n');
  if (head.length > 0) socket.write(head);
}

/** `ws` as the server's side; what it selects is the first subprotocol offered. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  then: (socket: WebSocket, request: IncomingMessage) => void,
): void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.handleUpgrade(request, socket, head, (accepted) => {
    accepted.on('error', () => {});
    then(accepted, request);
  });
}

export async function until(holds: () => boolean, what: string, withinMs = 5_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function refusedWith(work: Promise<unknown>): Promise<SallyportError> {
  const error = await work.then(
    () => new Error('it was not refused'),
    (reason) => reason,
  );
  if (!(error instanceof SallyportError)) throw error;
  return error;
}
