/**
 * Every error answer of the Controller: a problem document (RFC 9457) made from the table of codes in
 * `schema/errors.ts`. Comes last on a request's way, whatever stopped it.
 */

import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type ErrorCode, type ErrorKind, errors, SallyportError } from '#schema/errors.ts';
import type { Env } from './context.ts';
import { describeFault } from './describe-fault.ts';

export const problemDocument = z
  .looseObject({
    type: z.string().openapi({ example: 'urn:sallyport:problem:not_found' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    code: z.string().openapi({ example: 'not_found' }),
    request_id: z.string(),
    retry: z.boolean().openapi({ description: 'Whether the same request may succeed later.' }),
    remedy: z.string(),
  })
  .openapi('Problem');

/** @param members extension members (RFC 9457 §3.2), such as `allowed` of an illegal transition. */
export function problem(
  // The validators' hook and Hono's own middleware hand over contexts of a wider type.
  c: Pick<Context<Env>, 'get' | 'json'> | Context,
  code: ErrorCode,
  detail?: string,
  members: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Response {
  const { status, title, retry, remedy } = errors[code] as ErrorKind;
  const document = {
    ...members,
    type: `urn:sallyport:problem:${code}`,
    title,
    status,
    ...(detail !== undefined && { detail }),
    code,
    request_id: (c as Context<Env>).get('requestId'),
    retry,
    remedy,
  };
  return (c as Context<Env>).json(document, status as ContentfulStatusCode, {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer realm="sallyport", DPoP algs="ES256"' }),
    ...headers,
  });
}

/** What threw: a fault that has a code keeps it, everything else is ours and tells nothing. */
export function problemOf(c: Context<Env>, error: Error): Response {
  if (error instanceof SallyportError) return problem(c, error.code, error.message);
  if (error instanceof HTTPException) {
    if (error.status === 400) return problem(c, 'bad_request', error.message);
    if (error.status === 415) return problem(c, 'unsupported_media_type');
    if (error.status === 413) return problem(c, 'payload_too_large');
  }
  c.get('ports').log('error', 'request_failed', {
    request_id: c.get('requestId'),
    method: c.req.method,
    path: c.req.routePath,
    error: describeFault(error, { stack: true }),
  });
  return problem(c, 'internal_error');
}

interface FailedValidation {
  target: string;
  error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
}

/** 422 with one entry for each field: `{ pointer, detail }`, the pointer as in RFC 6901. */
export function validationProblem(c: Context, { target, error }: FailedValidation): Response {
  const failures = error.issues.slice(0, 32).map(({ path, message }) => ({
    in: target === 'json' ? 'body' : target === 'param' ? 'path' : target,
    pointer: path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    detail: message,
  }));
  const first = failures[0];
  return problem(c, 'validation_failed', first && `${first.pointer || first.in}: ${first.detail}`, {
    errors: failures,
  });
}

/** 405 with `Allow` where the path exists for other methods, else 404. */
export function unrouted(c: Context<Env>, routes: readonly { method: string; path: string }[]): Response {
  const allowed = routes.filter(({ method, path }) => method !== 'ALL' && patternOf(path).test(c.req.path));
  if (allowed.length === 0) return problem(c, 'not_found', `nothing at ${c.req.path}`);
  const methods = [...new Set(allowed.map(({ method }) => method))].sort();
  return problem(c, 'method_not_allowed', undefined, {}, { Allow: methods.join(', ') });
}

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/:[^/]+/g, '[^/]+')}$`);
