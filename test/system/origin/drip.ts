/**
 * A private origin for flows that live long, and a program's ways to it through a Client's HTTP proxy:
 * `/drip` sends a few bytes every `dripMs` for ever, `/drip/N` N times, every other path answers at once.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';

const dripMs = 100;

export async function dripOrigin(port: number, address: string): Promise<Server> {
  const origin = createServer((incoming, response) => {
    const [, drip, times = Number.POSITIVE_INFINITY] = /^\/(drip)(?:\/(\d+))?$/.exec(incoming.url!) ?? [];
    if (drip === undefined) return void response.writeHead(200, { 'content-length': 8 }).end('at once\n');
    let left = Number(times);
    const drop = () => {
      response.write('drop\n');
      if (--left <= 0) response.end();
    };
    const timer = setInterval(drop, dripMs);
    response.on('close', () => clearInterval(timer));
    drop();
  });
  origin.listen(port, address);
  await once(origin, 'listening');
  return origin;
}

export interface Drip {
  /** Bytes that have come. */
  readonly bytes: number;
  /** The longest time without any, milliseconds. */
  readonly longestGapMs: number;
  /** When it ended (`Date.now()`); undefined while it lives. */
  readonly endedAt: number | undefined;
  readonly ended: Promise<void>;
  stop(): void;
}

/** A slow download through CONNECT; resolves once its first bytes are here. */
export async function startDrip(proxy: string, host: string, port: number): Promise<Drip> {
  const url = new URL(`http://${proxy}`);
  const socket = connect(Number(url.port), url.hostname);
  const ended = Promise.withResolvers<void>();
  let bytes = 0;
  let heardAt = Date.now();
  let longestGapMs = 0;
  let endedAt: number | undefined;
  socket.on('error', () => {});
  socket.once('close', () => {
    endedAt = Date.now();
    ended.resolve();
  });
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const [head] = (await Promise.race([once(socket, 'data'), ended.promise.then(() => [''])])) as [Buffer];
  if (!/^HTTP\/1\.1 200/.test(String(head))) throw new Error(`${host}: ${String(head)}`);
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    longestGapMs = Math.max(longestGapMs, Date.now() - heardAt);
    heardAt = Date.now();
  });
  socket.write(`GET /drip HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(socket, 'data');
  return {
    get bytes() {
      return bytes;
    },
    get longestGapMs() {
      return Math.max(longestGapMs, endedAt === undefined ? Date.now() - heardAt : 0);
    },
    get endedAt() {
      return endedAt;
    },
    ended: ended.promise,
    stop: () => socket.destroy(),
  };
}

/** `/drip/N` through CONNECT: how many drops came, and whether all did. */
export async function fetchDrops(proxy: string, url: string, drops: number): Promise<string> {
  const text = await fetchText(proxy, `${url}drip/${drops}`, 60_000);
  const came = text.match(/drop\n/g)?.length ?? 0;
  return came === drops ? 'all' : `${came} of ${drops}: ${text.slice(0, 200)}`;
}

/** A flow of its own, through CONNECT: `200`, or the code of the problem that refused it. */
export async function fetchOnce(proxy: string, url: string, timeoutMs = 10_000): Promise<string> {
  const text = await fetchText(proxy, url, timeoutMs);
  if (text.endsWith('at once\n')) return '200';
  return text.includes('"code"') ? codeOf(text) : 'cut off';
}

/** All that came, head and all; a problem if it was refused. */
async function fetchText(proxy: string, url: string, timeoutMs: number): Promise<string> {
  const { port, hostname } = new URL(`http://${proxy}`);
  const { host, pathname } = new URL(url);
  const asked = request({ host: hostname, port, method: 'CONNECT', path: host, agent: false });
  const timer = setTimeout(() => asked.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
  try {
    asked.end();
    // Whatever the answer to a CONNECT is, Node hands over the socket.
    const [response, socket, head] = (await once(asked, 'connect')) as [IncomingMessage, Socket, Buffer];
    if (response.statusCode !== 200) return head + (await textOf(socket));
    // Not `end`: a server of Node's takes a half-close for a program that has gone.
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return await textOf(socket);
  } finally {
    clearTimeout(timer);
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

function codeOf(text: string): string {
  try {
    return JSON.parse(text.slice(text.indexOf('{'))).code;
  } catch {
    return text.slice(0, 200);
  }
}
