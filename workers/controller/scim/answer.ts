/**
 * How SCIM answers (RFC 7644 §3.1, §3.12): its media type, its errors, its ETags. Every route of `/scim/v2` is
 * made by `scimRoute`: token first, then the route, then whatever it refused.
 */
import type { Handler } from 'hono';
import { SallyportError } from '#schema/errors.ts';
import { tooMany } from '../authenticate.ts';
import type { ChangeOrigin } from '../change.ts';
import { type Call, callerAddress, type Env, type Tenant } from '../context.ts';
import { describeFault } from '../describe-fault.ts';
import { scopeOf } from '../scope.ts';
import { tenantUrl } from '../tenant.ts';
import { authenticateScim } from './authenticate.ts';

export const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** RFC 7644 §3.12, table 9. */
export type ScimType =
  | 'invalidFilter'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue';

export interface ScimRefusal {
  ok: false;
  status: 400 | 401 | 404 | 409 | 412 | 413;
  detail: string;
  scimType?: ScimType | undefined;
}

export const refuseScim = (
  status: ScimRefusal['status'],
  detail: string,
  scimType?: ScimType,
): ScimRefusal => ({
  ok: false,
  status,
  detail,
  scimType,
});

/** What was asked, by whom. */
export interface ScimAsk extends ChangeOrigin {
  c: Call;
  tenant: Tenant;
  /** `<Tenant's URL>/scim/v2`. */
  base: string;
}

export type ScimOutcome =
  | ScimRefusal
  | { ok: true; status?: 200 | 201 | 204 | 304; body?: object; version?: number };

export const scimRoute =
  (handle: (ask: ScimAsk) => Promise<ScimOutcome>): Handler<Env> =>
  async (c) => {
    const tenant = c.get('tenant');
    if (!tenant) return refusal(c, refuseScim(404, 'SCIM is offered below a Tenant’s URL'));
    const ports = c.get('ports');
    const token = await authenticateScim(c, tenant);
    if (typeof token === 'string') {
      const address = callerAddress(c);
      ports.log('info', 'scim_token_rejected', { request_id: c.get('requestId'), reason: token, address });
      if (!(await ports.limiter.allow('failed_login', address ?? 'unknown'))) return tooMany(c);
      return refusal(c, refuseScim(401, 'The SCIM token is missing or not accepted.'));
    }
    if (!(await ports.limiter.allow('api', token.id))) return tooMany(c);
    try {
      const outcome = await handle({
        c,
        tenant,
        base: `${tenantUrl(ports.settings, tenant)}/scim/v2`,
        ports,
        scope: scopeOf(ports.database, tenant.id),
        now: ports.clock(),
        actor: token.id,
        requestId: c.get('requestId'),
        address: callerAddress(c),
      });
      return outcome.ok ? answer(c, outcome) : refusal(c, outcome);
    } catch (error) {
      if (error instanceof SyntaxError)
        return refusal(c, refuseScim(400, 'The body is no JSON.', 'invalidSyntax'));
      ports.log('error', 'scim_failed', { request_id: c.get('requestId'), error: describeFault(error) });
      const detail =
        error instanceof SallyportError ? error.message : `Something failed here (${c.get('requestId')}).`;
      return send(c, 500, { schemas: [errorSchema], status: '500', detail });
    }
  };

/** Whether the resource is still the one that the client has seen (RFC 7644 §3.14). */
export function staleMatch(c: Call, version: number): ScimRefusal | undefined {
  const wanted = c.req.header('if-match');
  if (wanted === undefined || wanted === '*' || wanted.split(/\s*,\s*/).includes(etagOf(version)))
    return undefined;
  return refuseScim(412, `It has changed meanwhile: it is ${etagOf(version)} now.`);
}

export const etagOf = (version: number): string => `W/"${version}"`;

function answer(c: Call, { status = 200, body, version }: Extract<ScimOutcome, { ok: true }>): Response {
  if (version !== undefined) {
    c.header('ETag', etagOf(version));
    if (c.req.method === 'GET' && c.req.header('if-none-match') === etagOf(version)) return c.body(null, 304);
  }
  const location = (body as { meta?: { location?: string } } | undefined)?.meta?.location;
  if (status === 201 && location) c.header('Location', location);
  return body === undefined ? c.body(null, 204) : send(c, status, body);
}

const refusal = (c: Call, { status, detail, scimType }: ScimRefusal): Response =>
  send(c, status, { schemas: [errorSchema], status: String(status), ...(scimType && { scimType }), detail });

function send(c: Call, status: number, body: object): Response {
  c.header('Cache-Control', 'no-store');
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="scim"');
  return c.json(body, status as 200, { 'Content-Type': 'application/scim+json' });
}
