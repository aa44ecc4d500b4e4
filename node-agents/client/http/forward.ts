/**
 * Requests in absolute-form (RFC 9112 §3.2.2): `GET http://host/path`. node:http parses strictly on both
 * sides and frames each message anew, so what one side smuggles into a body stays a body on the other.
 * Bodies stream with backpressure both ways; the destination's connection comes out of the pool.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { request as httpRequest } from '#node-agents/process/http.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { parseAuthority, type TcpDestination } from '../destination.ts';
import type { ProxyContext } from './context.ts';
import { endToEnd, withVia } from './hop-by-hop.ts';
import { type PooledRequest, RefusedOpening } from './pool.ts';
import { sendRefusal } from './refusal.ts';

export interface Target {
  destination: TcpDestination;
  /** For the Host field: as the program wrote it. */
  authority: string;
  path: string;
}

export function forward(context: ProxyContext, request: IncomingMessage, response: ServerResponse) {
  response.sendDate = false;
  const authorized = context.authorized(request);
  if (request.url?.startsWith('/')) return context.local(request, response, authorized);
  if (!authorized) return sendRefusal(response, { ok: false, code: 'proxy_auth_required' });
  const target = parseTarget(request.url ?? '');
  if (!target.ok) return sendRefusal(response, target);
  const gone = new AbortController();
  response.once('close', () => response.writableFinished || gone.abort());
  pass(context, target.target, request, response, gone.signal);
}

/** @param url an absolute-form request target. */
export function parseTarget(url: string): Verdict<{ target: Target }, 'bad_request'> {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(\/[^#]*|\?[^#]*)?$/i.exec(url);
  if (!parts)
    return refuse('bad_request', 'this is a proxy: send CONNECT host:port or an absolute http:// URL');
  const [, scheme, authority = '', rest = '/'] = parts;
  if (scheme!.toLowerCase() !== 'http') {
    return refuse('bad_request', `${scheme}:// does not pass in the clear: use CONNECT`);
  }
  const parsed = parseAuthority(authority, 80);
  if (!parsed.ok) return parsed;
  const path = rest.startsWith('?') ? `/${rest}` : rest;
  return { ok: true, target: { destination: parsed.destination, authority, path } };
}

/** The options of the request to the destination; `extra` are fields that this hop adds. */
export function outgoing(
  { agent }: ProxyContext,
  { destination, authority, path }: Target,
  request: IncomingMessage,
  gone: AbortSignal,
  extra: string[] = [],
): PooledRequest {
  const headers = withVia(endToEnd(request.rawHeaders, ['host']), request.httpVersion);
  const hasBody = request.headers['content-length'] !== undefined || 'transfer-encoding' in request.headers;
  // node:http frames by the fields it is given: without a length it must be told that there is a body at all.
  if (hasBody && request.headers['content-length'] === undefined)
    headers.push('Transfer-Encoding', 'chunked');
  return {
    agent,
    method: request.method!,
    path,
    headers: ['Host', authority, ...headers, ...extra] as unknown as Record<string, string>,
    setHost: false,
    maxHeaderSize: 64 * 1024,
    joinDuplicateHeaders: false,
    destination,
    clientAddress: request.socket.remoteAddress ?? '',
    gone,
    lane: lanes.get(request.socket) ?? '',
  };
}

/** Connections of programs that were asked for a connection-bound login. */
const lanes = new WeakMap<Socket, string>();

function pass(
  context: ProxyContext,
  target: Target,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): void {
  const keep = ['Connection', 'keep-alive'];
  const upstream = httpRequest(outgoing(context, target, request, gone, keep));
  gone.addEventListener('abort', () => upstream.destroy());
  upstream.on('continue', () => response.writeContinue());
  upstream.on('response', (answer) => relay(answer, request, response));
  // Nobody asked for another protocol; without a listener node:http would drop it without a word.
  upstream.on('upgrade', (_, far) => {
    far.destroy();
    sendRefusal(response, refuse('protocol_error', 'the destination switched to another protocol'));
  });
  upstream.on('error', (error) => {
    if (response.headersSent || gone.aborted) return void response.destroy();
    if (mayRepeat(upstream, request)) return pass(context, target, request, response, gone);
    sendRefusal(response, error instanceof RefusedOpening ? error.refusal : brokenBy(error));
  });
  request.on('error', () => upstream.destroy());
  if (!hasBody(request)) return void upstream.end();
  request.pipe(upstream, { end: false });
  request.on('end', () => {
    if (request.rawTrailers.length > 0) upstream.addTrailers(pairs(endToEnd(request.rawTrailers)));
    upstream.end();
  });
}

function relay(answer: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
  if (!isFinal(answer)) {
    answer.destroy();
    return sendRefusal(response, refuse('protocol_error', 'the destination answered with no HTTP status'));
  }
  if (isConnectionBound(answer)) lanes.set(request.socket, `${request.socket.remotePort}`);
  const headers = withVia(endToEnd(answer.rawHeaders), answer.httpVersion);
  // What is left of a body that the destination did not wait for must not be read as the next request.
  if (!request.complete) headers.push('Connection', 'close');
  response.writeHead(answer.statusCode!, reasonOf(answer), headers);
  answer.on('data', (chunk) => {
    if (!response.write(chunk)) answer.pause();
  });
  response.on('drain', () => answer.resume());
  answer.on('end', () => {
    if (answer.rawTrailers.length > 0) response.addTrailers(pairs(endToEnd(answer.rawTrailers)));
    response.end();
  });
  answer.on('error', () => response.destroy());
  answer.on('close', () => answer.complete || response.destroy());
  // A head whose body lets wait (server-sent events) goes out by itself; one that does not, with its body.
  setImmediate(() => response.writableEnded || response.destroyed || response.flushHeaders());
}

/**
 * A kept connection may be closed by the destination just as it is used again. RFC 9110 §9.2.2: only what is
 * safe to do twice, and nothing whose body is already gone.
 */
function mayRepeat(upstream: ClientRequest, request: IncomingMessage): boolean {
  return (
    upstream.reusedSocket && !hasBody(request) && /^(GET|HEAD|OPTIONS|PUT|DELETE)$/.test(request.method!)
  );
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  'transfer-encoding' in headers || (headers['content-length'] ?? '0') !== '0';

/** node:http reads three digits, whichever they are, and refuses to write some of them. */
export const isFinal = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200;

/** What node:http reads in a reason phrase but refuses to write is replaced (RFC 9112 §4: nobody relies on it). */
export const reasonOf = ({ statusMessage = '' }: IncomingMessage): string =>
  statusMessage.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?');

const isConnectionBound = ({ headers }: IncomingMessage): boolean =>
  /\b(ntlm|negotiate)\b/i.test(headers['www-authenticate'] ?? '');

function brokenBy(error: Error) {
  const { code } = error as NodeJS.ErrnoException;
  return code?.startsWith('HPE_')
    ? refuse('protocol_error', `the destination did not answer in HTTP (${code})`)
    : refuse('connection_reset', 'the destination closed the connection before it answered');
}

function pairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) list.push([flat[i]!, flat[i + 1]!]);
  return list;
}
