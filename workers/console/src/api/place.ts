/**
 * Where this page lives: below a Tenant's URL, which is `/t/<slug>` on the deployment's own host and the root
 * of a host name that the Tenant claimed. Everything that the console asks for goes there.
 */

/** Without a final slash: `/t/acme`, or empty. */
export const tenantBase: string = /^\/t\/[^/]+/.exec(location.pathname)?.[0] ?? '';

export const consoleBase = `${tenantBase}/console`;

/** The page that sends somebody to their identity provider, and back to where they are now. */
export function loginUrl(): string {
  const here = location.pathname.slice(tenantBase.length) + location.search;
  return `${tenantBase}/login?${new URLSearchParams({ return_to: here })}`;
}
