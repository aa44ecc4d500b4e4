/**
 * The console's page, the same for every place in it: `/console/…` below a Tenant, and `/setup` where there is
 * none yet. It goes out under a policy that runs no script but the console's own files, which the host
 * serves (`Ports.assets`); the page itself asks who is logged in, and sends whoever is not to the login.
 */
import type { Call, Controller } from '../context.ts';
import { problem } from '../problem.ts';
import { base64url } from '../secret.ts';

/** Below the deployment's host, whichever Tenant's page asks. */
export const assetsPath = '/console-assets/';

export function mountConsole(app: Controller): void {
  app.get('/console', (c) => c.redirect(`${new URL(c.req.url).pathname}/`, 308));
  app.get('/console/*', (c) => (c.get('tenant') ? page(c) : problem(c, 'tenant_unknown')));
  app.get('/setup', page);
  app.get(`${assetsPath}*`, async (c) => {
    const found = await c.get('ports').assets(new URL(c.req.url).pathname);
    if (!found.ok) return problem(c, 'not_found', 'no such file of the console');
    const type = found.headers.get('content-type') ?? 'application/octet-stream';
    return c.newResponse(found.body as ReadableStream, 200, {
      'Content-Type': type,
      'X-Content-Type-Options': 'nosniff',
      // Their names change with their content.
      'Cache-Control': 'public, max-age=31536000, immutable',
    });
  });
}

async function page(c: Call): Promise<Response> {
  const ports = c.get('ports');
  const found = await ports.assets('/index.html');
  if (!found.ok) {
    ports.log('error', 'console_not_built', { request_id: c.get('requestId') });
    return problem(c, 'not_found', 'the console was not built: `npm run build`, then deploy or start again');
  }
  const nonce = base64url(ports.random(16));
  return c.html((await found.text()).replaceAll('%NONCE%', nonce), 200, {
    'Content-Security-Policy': policy(nonce),
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  });
}

/** Styles by nonce: the component library puts its variables into style elements. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
