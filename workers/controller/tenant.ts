/**
 * Which Tenant a request is for: `/t/<slug>/…` on the deployment's own host, any path on a host name that a
 * Tenant claimed, or none (`/api/v1/…`), where an administrator's token names it. Comes after `app.ts` gave
 * the request its id; the routes see paths without the `/t/<slug>`.
 */
import { createMiddleware } from 'hono/factory';
import type { Env, Tenant } from './context.ts';
import { tenantByHostname, tenantBySlug } from './deployment.ts';
import type { Settings } from './ports.ts';
import { problem } from './problem.ts';

const prefix = /^\/t\/([^/]+)(?=\/|$)/;

/** The path that routes are matched against. */
export const belowTenant = (path: string): string => path.replace(prefix, '') || '/';

/** Where the Tenant's agents and administrators find it, without a final slash: also the issuer of its tokens. */
export const tenantUrl = (
  { baseUrl }: Pick<Settings, 'baseUrl'>,
  { slug, hostname }: Pick<Tenant, 'slug' | 'hostname'>,
): string => (hostname === null ? `${baseUrl}/t/${slug}` : `https://${hostname}`);

export const resolveTenant = createMiddleware<Env>(async (c, next) => {
  const { database, settings } = c.get('ports');
  const { pathname, hostname } = new URL(c.req.url);
  const slug = prefix.exec(pathname)?.[1];
  if (slug !== undefined) {
    const tenant = await tenantBySlug(database, slug);
    if (!tenant) return problem(c, 'tenant_unknown');
    c.set('tenant', tenant);
  } else if (hostname !== new URL(settings.baseUrl).hostname) {
    c.set('tenant', await tenantByHostname(database, hostname));
  }
  return next();
});
