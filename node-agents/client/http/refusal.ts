/**
 * How the proxy says no: a problem document (RFC 9457) for programs and people, and `Proxy-Status`
 * (RFC 9209) so that nobody takes the answer for the destination's own.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, type ErrorKind, errors, type Refusal } from '#schema/errors.ts';

/** A refusal, with the flow's id where it got that far. */
export type ProxyRefusal = Refusal & { connection?: string };

export interface Problem {
  status: number;
  title: string;
  headers: [string, string][];
  body: string;
}

export function problemOf(refusal: ProxyRefusal): Problem {
  const { title, remedy } = errors[refusal.code];
  const status = statusOf(refusal.code);
  const document = {
    type: `urn:sallyport:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.detail ?? title,
    code: refusal.code,
    remedy,
    ...(refusal.connection !== undefined && { connection: refusal.connection }),
  };
  const body = `${JSON.stringify(document)}\n`;
  const headers: [string, string][] = [
    ['Content-Type', 'application/problem+json'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Cache-Control', 'no-store'],
    ['Proxy-Status', proxyStatus(refusal)],
  ];
  if (refusal.code === 'proxy_auth_required') {
    headers.push(['Proxy-Authenticate', 'Basic realm="sallyport", charset="UTF-8"']);
  }
  return { status, title, headers, body };
}

/** RFC 9209 §2: `sallyport; error=…; details="…"`. */
export function proxyStatus({ code, detail }: Refusal): string {
  const { proxyStatus: known, title, status } = errors[code] as ErrorKind;
  const error =
    known ??
    (status === 400 ? 'http_request_error' : status < 500 ? 'http_request_denied' : 'proxy_internal_error');
  return `sallyport; error=${error}; details=${sfString(`${code}: ${detail ?? title}`)}`;
}

/** To a request that node:http answers. Keeps the connection unless the request's body is still under way. */
export function sendRefusal(response: ServerResponse, refusal: ProxyRefusal): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const { status, title, headers, body } = problemOf(refusal);
  if (!response.req.complete) headers.push(['Connection', 'close']);
  response.writeHead(status, reason(title), headers.flat());
  response.end(body);
}

/** To a bare socket (CONNECT, upgrades), which is closed afterwards. */
export function endWithRefusal(socket: Duplex, refusal: ProxyRefusal): void {
  if (!socket.writable) return void socket.destroy();
  const { status, title, headers, body } = problemOf(refusal);
  const fields = [...headers, ['Connection', 'close']]
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.end(`HTTP/1.1 ${status} ${reason(title)}\r\n${fields}\r\n${body}`);
}

/** 401 would ask the program for the destination's password: what is wrong between us is a bad gateway. */
const statusOf = (code: ErrorCode): number => (errors[code].status === 401 ? 502 : errors[code].status);

/** RFC 9651 §3.3.3: printable ASCII, `"` and `\` escaped; anything else is replaced. */
const sfString = (text: string): string =>
  `"${text
    .replaceAll('’', "'")
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/["\\]/g, '\\$&')}"`;

const reason = (title: string): string => title.replaceAll('’', "'").replace(/[^\x20-\x7e]|\.$/g, '');
