/**
 * GET /login: where the console sends somebody whom it does not know; GET /login/callback: where identity
 * providers send them back; POST /logout.
 */
import { html } from 'hono/html';
import { SallyportError } from '#schema/errors.ts';
import { type Call, type Controller, callerAddress, type Tenant } from '../context.ts';
import { problem } from '../problem.ts';
import { scopeOf } from '../scope.ts';
import { tenantUrl } from '../tenant.ts';
import { beginSession, endSession, recognise } from './console-session.ts';
import { clearSessionCookie, isSameOrigin, readSessionCookie, writeSessionCookie } from './cookies.ts';
import { type Finished, finishLogin } from './finish-login.ts';
import { localPath } from './next.ts';
import { page, refusalPage } from './page.ts';
import { loginPaths } from './paths.ts';
import { type LoginWish, startLogin } from './start-login.ts';

/** What comes after a login that is not for the console; `authorize.ts` and `device.ts` have theirs. */
export type Continue = (c: Call, tenant: Tenant, finished: Finished) => Promise<Response>;

export function mountLogin(app: Controller, after: Record<'client' | 'device', Continue>): void {
  app.get(loginPaths.start, (c) =>
    withTenant(c, (tenant) =>
      sendToLogin(c, tenant, {
        next: { for: 'console', returnTo: localPath(c.req.query('return_to')) },
        provider: c.req.query('provider'),
        again: c.req.query('again') === '1',
      }),
    ),
  );

  app.get(loginPaths.callback, (c) =>
    withTenant(c, async (tenant) => {
      const finished = await finishLogin(c, tenant);
      if (!finished.ok) return refused(c, tenant, finished.code, finished.detail);
      c.get('ports').log('info', 'user_logged_in', {
        request_id: c.get('requestId'),
        tenant: tenant.id,
        user: finished.user.id,
        for: finished.next.for,
      });
      if (finished.next.for === 'console') return enterConsole(c, tenant, finished, finished.next.returnTo);
      return after[finished.next.for](c, tenant, finished);
    }),
  );

  app.post(loginPaths.logout, (c) =>
    withTenant(c, async (tenant) => {
      if (!isSameOrigin(c)) return problem(c, 'forbidden', 'a page of another origin may not ask for this');
      const cookie = readSessionCookie(c);
      const ports = c.get('ports');
      const person = cookie === undefined ? undefined : await recognise(ports, tenant, cookie);
      if (typeof person === 'object') await endSession(here(c, tenant), person);
      clearSessionCookie(c, tenant);
      return c.body(null, 204);
    }),
  );
}

/** Off to the identity provider, or to the choice of one. */
export async function sendToLogin(c: Call, tenant: Tenant, wish: LoginWish): Promise<Response> {
  const started = await startLogin(c, tenant, wish);
  if (!started.ok) return refused(c, tenant, started.code, started.detail);
  c.header('Cache-Control', 'no-store');
  c.header('Referrer-Policy', 'no-referrer');
  if ('go' in started) return c.redirect(started.go);
  const here = new URL(c.req.url).searchParams;
  const links = started.choose.map(({ id, name }) => {
    const query = new URLSearchParams(here);
    query.set('provider', id);
    return html`<a class="button" href="?${query.toString()}">${name}</a>`;
  });
  return page(c, `Log in to ${tenant.name}`, html`${links}`);
}

async function enterConsole(
  c: Call,
  tenant: Tenant,
  { user, authentication }: Finished,
  returnTo: string,
): Promise<Response> {
  if (user.role === null) {
    return refusalPage(c, 'forbidden', `${user.userName} has no role in the console of ${tenant.name}`);
  }
  const ports = c.get('ports');
  const userAgent = c.req.header('user-agent') ?? null;
  const cookie = await beginSession(here(c, tenant), { user: user.id, authentication, userAgent });
  writeSessionCookie(c, tenant, cookie);
  c.header('Cache-Control', 'no-store');
  return c.redirect(tenantUrl(ports.settings, tenant) + returnTo);
}

/** What a change needs to know of the request. */
function here(c: Call, tenant: Tenant) {
  const ports = c.get('ports');
  const scope = scopeOf(ports.database, tenant.id);
  return { ports, scope, now: ports.clock(), requestId: c.get('requestId'), address: callerAddress(c) };
}

/** What is wrong between the identity provider and us is for the log; the person gets the code. */
function refused(c: Call, tenant: Tenant, code: Parameters<typeof refusalPage>[1], detail?: string) {
  const ports = c.get('ports');
  ports.log('info', 'login_refused', {
    request_id: c.get('requestId'),
    tenant: tenant.id,
    code,
    reason: detail,
  });
  const again = code === 'idp_missing' ? undefined : tenantUrl(ports.settings, tenant) + loginPaths.start;
  return refusalPage(c, code, code === 'idp_failed' ? undefined : detail, again);
}

export function withTenant(c: Call, then: (tenant: Tenant) => Promise<Response>): Promise<Response> {
  const tenant = c.get('tenant');
  if (tenant) return then(tenant);
  throw new SallyportError('tenant_unknown', 'people log in at their Tenant: /t/<tenant>/login');
}
