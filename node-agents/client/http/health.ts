/**
 * What the HTTP proxy's port answers about itself, to requests in origin-form: `/livez` (the process works),
 * `/readyz` (logged in, and the Controller or a Connector at hand), `/readyz?resource=NAME` (a tunnel leads
 * there now). Open without a password: it says no more than yes or why not.
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
  const why = whyNotReady() ?? (resource === null ? undefined : await whyNotReachable(resource));
  if (why === undefined) sayOk(response);
  else sendRefusal(response, why);
}

function sayOk(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end('{"status":"ok"}\n');
}
