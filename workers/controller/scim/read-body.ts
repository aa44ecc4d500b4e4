/**
 * The body of a SCIM request: an object, of which nothing reaches for what objects inherit. Identity providers
 * send it as `application/scim+json` or plain JSON.
 */
import type { Call } from '../context.ts';
import { refuseScim, type ScimRefusal } from './answer.ts';

const inherited = new Set(['__proto__', 'constructor', 'prototype']);
const mostDepth = 12;

export async function readBody(c: Call): Promise<{ ok: true; body: Record<string, unknown> } | ScimRefusal> {
  const body: unknown = await c.req.json();
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return refuseScim(400, 'The body is not an object.', 'invalidSyntax');
  if (!isPlain(body, 0)) return refuseScim(400, 'The body has a name that is not allowed.', 'invalidSyntax');
  return { ok: true, body: body as Record<string, unknown> };
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth > mostDepth) return false;
  return Object.entries(value).every(
    ([name, inner]) =>
      reachesNothing(name) && (name !== 'path' || reachesNothing(String(inner))) && isPlain(inner, depth + 1),
  );
}

/** A name, or a path of names. */
const reachesNothing = (path: string): boolean =>
  !path.split(/[.[\]]/).some((name) => inherited.has(name.trim()));
