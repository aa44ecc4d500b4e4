/**
 * What a login at the identity provider is for, and so what comes after it: the console, a person's Client
 * that waits for a redirect, or a device whose code somebody typed. Kept sealed while the browser is away.
 */
import { z } from 'zod';

export const next = z.discriminatedUnion('for', [
  /** `returnTo`: a path below the Tenant's URL. */
  z.object({ for: z.literal('console'), returnTo: z.string() }),
  /** Hash of the login code that waits (`login_codes`), and what the Client wants back with it. */
  z.object({ for: z.literal('client'), request: z.string(), state: z.string() }),
  z.object({ for: z.literal('device'), request: z.string() }),
]);
export type Next = z.infer<typeof next>;

/**
 * A path of the console and nothing else: neither another site (`//host`, `/\host`), nor a scheme, nor by dots
 * a way out of the Tenant.
 */
export function localPath(text: string | undefined): string {
  const path = /^\/console(\/[\w\-./~%]*)?(\?[\w\-./~%=&,:+]*)?$/;
  if (text === undefined || !path.test(text)) return '/console/';
  return /^\/console(\/|$)/.test(new URL(text, 'http://here').pathname) ? text : '/console/';
}
