/**
 * What the HTTP proxy's port answers about itself, to requests in origin-form: `/livez` (the process works),
 * `/readyz` (logged in, and the Controller or a Connector at hand), `/readyz?resource=NAME` (a tunnel leads
 * there now). The first two are open without a password: they say no more than yes or why not. The third would
 * tell anybody which names are Resources, and asks for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Refusal, refuse } from '#schema/errors.ts';
import { sendRefusal } from './refusal.ts';

export interface Health {
  /** Undefined: ready. */
  whyNotReady(): Refusal | undefined;
  /** Undefined: a tunnel to its Remote Network is open. */
  whyNotReachable(resource: string): Promise<Refusal | undefined>;
}

export async function answerHealth(
  { whyNotReady, whyNotReachable }: Health,
  request: IncomingMessage,
  response: ServerResponse,
  /** The proxy's password was given, or there is none. */
  authorized: boolean,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendRefusal(response, refuse('method_not_allowed'));
  }
  // Not `URL`: what follows two slashes would be a host, and a wrong one would throw.
  const [pathname, query] = request.url!.split('?', 2);
  if (pathname === '/livez') return sayOk(response);
  if (pathname !== '/readyz') {
    return sendRefusal(
      response,
      refuse('bad_request', 'this is a proxy: send CONNECT host:port or an absolute http:// URL'),
    );
  }
  const resource = new URLSearchParams(query).get('resource');
  if (resource !== null && !authorized) return sendRefusal(response, refuse('proxy_auth_required'));
  const why = whyNotReady() ?? (resource === null ? undefined : await whyNotReachable(resource));
  if (why === undefined) sayOk(response);
  else sendRefusal(response, why);
}

function sayOk(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end('{"status":"ok"}\n');
}
