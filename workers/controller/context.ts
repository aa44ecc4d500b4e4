/**
 * What every request to the Controller carries from `app.ts` to its route: the request's id, the host's
 * ports, and the Tenant that the URL names (`tenant.ts`), if it names one.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { tenants } from '#schema/db/tables.ts';
import type { Caller } from './authenticate.ts';
import type { Ports } from './ports.ts';

export type Tenant = typeof tenants.$inferSelect;

export interface Env {
  Variables: {
    ports: Ports;
    /** In the answer as `X-Request-Id`, in each problem, audit entry and log line. */
    requestId: string;
    /** The Tenant that path or host name names; absent on bare URLs. */
    tenant: Tenant | undefined;
    /** Set by `authenticate.ts` on the routes of administrators. */
    caller: Caller;
  };
}

export type Controller = OpenAPIHono<Env>;
export type Call = Context<Env>;

/** Where the request came from, as the host's front says. */
export const callerAddress = (c: Pick<Call, 'req'>): string | null =>
  c.req.header('cf-connecting-ip') ?? null;
