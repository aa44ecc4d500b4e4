/**
 * The URL by which an agent addressed this Controller: what its assertions are made for (`aud`) and its
 * proofs bound to (`htu`). Built from the settings and never from the Host header, which whoever forwards
 * somebody else's request would choose.
 */
import type { Call } from '../context.ts';

/** @returns the URL without query: `<base>/t/<slug><path>`, `https://<hostname><path>` or `<base><path>`. */
export function addressedUrl(c: Call, path: string): string {
  const { baseUrl } = c.get('ports').settings;
  const tenant = c.get('tenant');
  if (!tenant) return baseUrl + path;
  const byPath = new URL(c.req.url).pathname.startsWith('/t/');
  return byPath ? `${baseUrl}/t/${tenant.slug}${path}` : `https://${tenant.hostname}${path}`;
}
