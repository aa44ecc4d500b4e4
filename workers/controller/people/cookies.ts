/**
 * The two cookies of people's browsers: the session of the console, and the one that ties a login under way
 * to the browser that began it. Neither is readable by scripts; both are of one Tenant alone.
 */
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Call, Tenant } from '../context.ts';
import { tenantUrl } from '../tenant.ts';

const sessionCookie = 'sallyport_session';
const loginCookie = 'sallyport_login';
/** Seconds that a login at the identity provider may take. */
export const loginSeconds = 600;

export const readSessionCookie = (c: Call): string | undefined => getCookie(c, sessionCookie);

export function writeSessionCookie(c: Call, tenant: Tenant, value: string): void {
  setCookie(c, sessionCookie, value, { ...attributes(c, tenant), httpOnly: true, sameSite: 'Lax' });
}

export function clearSessionCookie(c: Call, tenant: Tenant): void {
  deleteCookie(c, sessionCookie, attributes(c, tenant));
}

export const readLoginCookie = (c: Call): string | undefined => getCookie(c, loginCookie);

/** Lax: the identity provider sends the browser back by a link of its own. */
export function writeLoginCookie(c: Call, tenant: Tenant, value: string): void {
  const scope = attributes(c, tenant);
  setCookie(c, loginCookie, value, { ...scope, httpOnly: true, sameSite: 'Lax', maxAge: loginSeconds });
}

export function clearLoginCookie(c: Call, tenant: Tenant): void {
  deleteCookie(c, loginCookie, attributes(c, tenant));
}

/**
 * Whether the Tenant's own pages ask, or nobody's page at all: by Fetch Metadata where the browser sends it,
 * else by `Origin`. What only reads may be asked for without either.
 */
export function isSameOrigin(c: Call): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && isSafe(c));
  const origin = c.req.header('origin');
  if (origin === undefined) return isSafe(c);
  return origin === new URL(publicUrl(c)).origin;
}

const isSafe = (c: Call): boolean => c.req.method === 'GET' || c.req.method === 'HEAD';

/** As people's browsers see it. */
const publicUrl = (c: Call): string => {
  const tenant = c.get('tenant');
  const { settings } = c.get('ports');
  return tenant ? tenantUrl(settings, tenant) : settings.baseUrl;
};

function attributes(c: Call, tenant: Tenant): { path: string; secure: boolean } {
  const { protocol, pathname } = new URL(tenantUrl(c.get('ports').settings, tenant));
  return { path: pathname, secure: protocol === 'https:' };
}
