/**
 * GET /oauth/authorize: a person's Client on the same machine as their browser (RFC 8252) wants a code, sent
 * to its loopback address. PKCE (RFC 7636) and the device's key (`dpop_jkt`, RFC 9449 §10) make the code worth
 * nothing to anybody else. Afterwards `person-token.ts` gives a session for it.
 */
import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { loginCodes } from '#schema/db/tables.ts';
import { type Call, type Controller, callerAddress, type Tenant } from '../context.ts';
import { scopeOf } from '../scope.ts';
import { mintSecret } from '../secret.ts';
import { tenantUrl } from '../tenant.ts';
import { askedProof } from './asked-proof.ts';
import type { Finished } from './finish-login.ts';
import { sendToLogin, withTenant } from './login.ts';
import { approve, loginMs, openCode } from './login-code.ts';
import { refusalPage } from './page.ts';
import { loginPaths } from './paths.ts';

/** The one client of this authorization server that people use: every Sallyport Client. */
export const clientId = 'sallyport-client';

export const aboutDevice = {
  hostname: z.string().max(255).optional(),
  platform: z.enum(['linux', 'darwin', 'windows']).optional(),
  version: z.string().max(64).optional(),
};
export const thumbprint = z.string().regex(/^[\w-]{43}$/);

const request = z.object({
  response_type: z.literal('code'),
  client_id: z.literal(clientId),
  redirect_uri: z.string().regex(/^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}\/callback$/),
  state: z.string().min(8).max(256),
  code_challenge: thumbprint,
  code_challenge_method: z.literal('S256'),
  dpop_jkt: thumbprint,
  max_age: z.coerce.number().int().min(0).max(86_400).optional(),
  prompt: z.enum(['login']).optional(),
  ...aboutDevice,
});

export function mountAuthorize(app: Controller): void {
  app.get(loginPaths.authorize, (c) =>
    withTenant(c, async (tenant) => {
      const asked = request.safeParse(c.req.query());
      if (!asked.success) {
        const { path, message } = asked.error.issues[0]!;
        return refusalPage(c, 'bad_request', `${path.join('.')}: ${message}`);
      }
      const {
        redirect_uri: redirectUri,
        code_challenge: challenge,
        dpop_jkt: jkt,
        state,
        ...more
      } = asked.data;
      const ports = c.get('ports');
      const now = ports.clock();
      const { hash } = await mintSecret(ports, 'spl');
      const { hostname = null, platform = null, version = null } = more;
      await scopeOf(ports.database, tenant.id).insert(loginCodes, {
        ...{ hash, kind: 'redirect', challenge, redirectUri, jkt, hostname, platform, version },
        address: callerAddress(c),
        createdAt: now,
        expiresAt: now + loginMs,
      });
      return sendToLogin(c, tenant, {
        next: { for: 'client', request: hash, state },
        provider: c.req.query('provider'),
        ...(await askedProof(scopeOf(ports.database, tenant.id), more.max_age)),
        again: more.prompt === 'login',
      });
    }),
  );
}

/** They have logged in: the Client gets its code, by the browser. */
export async function answerClient(c: Call, tenant: Tenant, finished: Finished): Promise<Response> {
  const { next } = finished;
  if (next.for !== 'client') throw new Error('not a Client’s login');
  const ports = c.get('ports');
  const now = ports.clock();
  const scope = scopeOf(ports.database, tenant.id);
  const waiting = await openCode(scope, eq(loginCodes.hash, next.request), now);
  const { secret, hash } = await mintSecret(ports, 'spl');
  if (!waiting || !(await approve({ scope, now }, waiting, finished, hash))) {
    return refusalPage(c, 'login_expired');
  }
  const back = new URL(waiting.redirectUri!);
  back.searchParams.set('code', secret);
  back.searchParams.set('state', next.state);
  // RFC 9207.
  back.searchParams.set('iss', tenantUrl(ports.settings, tenant));
  c.header('Cache-Control', 'no-store');
  c.header('Referrer-Policy', 'no-referrer');
  return c.redirect(back.href);
}
