/**
 * Waits on loopback for the browser that comes back from a login (RFC 8252 §7.3). Takes one answer, with the
 * right `state` and from the right issuer (RFC 9207); everything else is told that it is not expected.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from '#node-agents/process/http.ts';
import { SallyportError } from '#schema/errors.ts';

export interface Waiting {
  redirectUri: string;
  /** @throws SallyportError login_expired, or what the Controller's page said. */
  code: Promise<string>;
}

export async function awaitRedirect(o: {
  state: string;
  issuer: string;
  patienceMs: number;
}): Promise<Waiting> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  promise.catch(() => {});
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const expected = pathname === '/callback' && searchParams.get('state') === o.state;
    if (!expected || request.method !== 'GET') return say(response, 404, 'Nobody waits for this here.');
    const code = searchParams.get('code');
    if (code === null || searchParams.get('iss') !== o.issuer) {
      return say(response, 400, 'This is not the answer that was waited for. Begin again.');
    }
    say(response, 200, 'You are logged in on this device. You can close this window.');
    resolve(code);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const timer = setTimeout(() => reject(new SallyportError('login_expired')), o.patienceMs);
  const end = () => {
    clearTimeout(timer);
    server.close();
    server.closeIdleConnections();
  };
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  return { redirectUri, code: promise.finally(end) };
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    'Referrer-Policy': 'no-referrer',
    Connection: 'close',
  });
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sallyport</title><style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:20vh auto;padding:0 1rem}</style><p>${text}`,
  );
}
