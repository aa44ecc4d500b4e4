/**
 * How a route of administrators is written: a description, from which OpenAPI and validation come, and a
 * function from what was asked to an answer or a refusal. Here lies what all of them share, in order:
 * credential, rate limit, scope, validation, Idempotency-Key, the route itself, its answer.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type ErrorCode, type ErrorKind, errors, type Refusal, type Verdict } from '#schema/errors.ts';
import type { ScopeName } from '#schema/people/scopes.ts';
import { type Administrator, requireOperator, requireScope, requireSetupCode } from './authenticate.ts';
import type { Answer, ChangeOrigin } from './change.ts';
import { type Call, type Controller, callerAddress, type Tenant } from './context.ts';
import { claimKey, type StoredAnswer } from './idempotency.ts';
import { problem, problemDocument } from './problem.ts';
import { scopeOf } from './scope.ts';

interface Description<P, Q, B, A, M extends Method = Method, At extends Path = Path> {
  method: M;
  /** Below `/api/v1`, parameters in braces. */
  path: At;
  tag: string;
  summary: string;
  description?: string;
  /** Absent: whoever is recognised at all. */
  needs?: ScopeName | undefined;
  params?: P;
  query?: Q;
  body?: B;
  /** Absent: 204. */
  answer?: A;
  /** Media types of an answer that is a `Response` of its own making; `answer` is then `raw`. */
  produces?: readonly string[];
  /** 201 for a POST that creates, else 200. */
  status?: 200 | 201;
  /** Answers 200 where there was one already. */
  mayExist?: true;
  refuses?: readonly ErrorCode[];
}

/** What was asked, validated, and by whom. */
export interface Ask<P = unknown, Q = unknown, B = unknown> extends ChangeOrigin {
  tenant: Tenant;
  /** What the caller may do. */
  held: readonly string[];
  /** Of a person in the console. */
  session: Administrator['session'];
  params: P;
  query: Q;
  body: B;
}

/** A refusal may carry members of its own for the problem document. */
export type Outcome<T> = Promise<Verdict<Answer<T>> | (Refusal & { members?: Record<string, unknown> })>;
export interface Route<Shape = unknown> {
  mount(app: Controller): void;
  /** Of the type alone: what the console's client (hono/client) may ask here, and what it gets. */
  readonly shape?: Shape;
}

/** For `answer` of a route that `produces`. */
export const raw = z.custom<Response>();

type Method = 'get' | 'post' | 'patch' | 'delete';
type Path = `/${string}`;
type HonoPath<At extends string> = At extends `${infer Before}{${infer Name}}${infer After}`
  ? `${Before}:${Name}${HonoPath<After>}`
  : At;
type Part<Name extends string, T> = [T] extends [z.ZodUndefined]
  ? Record<never, never>
  : { [K in Name]: T extends z.ZodType ? z.input<T> : never };
/** One entry of a Hono app's schema. */
type Shape<M extends Method, At extends Path, P, Q, B, A> = {
  [K in `/api/v1${HonoPath<At>}`]: {
    [V in `$${M}`]: {
      input: Part<'param', P> & Part<'query', Q> & Part<'json', B>;
      output: [A] extends [z.ZodUndefined] ? undefined : A extends z.ZodType ? z.output<A> : never;
      outputFormat: 'json';
      status: 200;
    };
  };
};

export const answer = <T>(body: T, status?: number): { ok: true } & Answer<T> =>
  status === undefined ? { ok: true, body } : { ok: true, body, status };

export function adminRoute<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  A extends z.ZodType = z.ZodUndefined,
  const M extends Method = Method,
  const At extends Path = Path,
>(
  d: Description<P, Q, B, A, M, At>,
  handle: (ask: Ask<z.output<P>, z.output<Q>, z.output<B>>) => Outcome<z.input<A>>,
): Route<Shape<M, At, P, Q, B, A>> {
  const needs = d.needs === undefined ? [] : [d.needs];
  const described = describe(d, [{ apiToken: needs }, { session: needs }], d.method === 'post');
  return {
    mount(app) {
      app.openapi({ ...described, middleware: [requireScope(d.needs)] }, (async (c: Call) => {
        const caller = c.get('caller');
        if (caller.kind !== 'administrator') throw new Error('requireScope lets in no operator');
        const ports = c.get('ports');
        const ask: Ask<z.output<P>, z.output<Q>, z.output<B>> = {
          ports,
          scope: scopeOf(ports.database, caller.tenant.id),
          now: ports.clock(),
          actor: caller.id,
          requestId: c.get('requestId'),
          address: callerAddress(c),
          tenant: caller.tenant,
          held: caller.held,
          session: caller.session,
          ...validated<P, Q, B>(c),
        };
        const key = d.method === 'post' ? c.req.header('idempotency-key') : undefined;
        if (key === undefined) return respond(c, d, await handle(ask));

        const text = JSON.stringify([c.req.method, c.req.path, ask.query, ask.body]);
        const claimed = await claimKey({ ports, scope: ask.scope, caller }, key, {
          text,
          status: statusOf(d),
        });
        if (!claimed.ok) return respond(c, d, claimed);
        if ('replay' in claimed) return replayed(c, claimed.replay);
        ask.claim = claimed.claim;
        try {
          const outcome = await handle(ask);
          if (!outcome.ok) await claimed.claim.release();
          return respond(c, d, outcome);
        } catch (error) {
          await claimed.claim.release();
          throw error;
        }
      }) as never);
    },
  };
}

/** What the deployment's operator may do. */
export type OperatorAsk<P = unknown, Q = unknown, B = unknown> = Pick<
  Ask<P, Q, B>,
  'ports' | 'now' | 'actor' | 'requestId' | 'address' | 'params' | 'query' | 'body'
> & {
  /** The operator's token, or the setup code. */
  secret: string;
};

type Schemas = [P: z.ZodType, Q: z.ZodType, B: z.ZodType, A: z.ZodType];
type DeploymentRoute = <
  P extends Schemas[0] = z.ZodUndefined,
  Q extends Schemas[1] = z.ZodUndefined,
  B extends Schemas[2] = z.ZodUndefined,
  A extends Schemas[3] = z.ZodUndefined,
  const M extends Method = Method,
  const At extends Path = Path,
>(
  d: Omit<Description<P, Q, B, A, M, At>, 'needs'>,
  handle: (ask: OperatorAsk<z.output<P>, z.output<Q>, z.output<B>>) => Outcome<z.input<A>>,
) => Route<Shape<M, At, P, Q, B, A>>;

/** For the deployment's operator alone. */
export const operatorRoute: DeploymentRoute = (d, handle) =>
  deploymentRoute(
    { security: [{ operatorToken: [] }], guard: requireOperator, actor: 'operator' },
    d,
    handle,
  );

/** For whoever has a setup code. */
export const setupRoute: DeploymentRoute = (d, handle) =>
  deploymentRoute({ security: [{ setupCode: [] }], guard: requireSetupCode, actor: 'setup' }, d, handle);

function deploymentRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
  way: { security: Record<string, string[]>[]; guard: typeof requireOperator; actor: string },
  d: Omit<Description<P, Q, B, A>, 'needs'>,
  handle: (ask: OperatorAsk<z.output<P>, z.output<Q>, z.output<B>>) => Outcome<z.input<A>>,
): Route<never> {
  const described = describe(d, way.security, false);
  return {
    mount(app) {
      app.openapi({ ...described, middleware: [way.guard] }, (async (c: Call) => {
        const ports = c.get('ports');
        const outcome = await handle({
          ports,
          now: ports.clock(),
          actor: way.actor,
          secret: c.get('caller').secret,
          requestId: c.get('requestId'),
          address: callerAddress(c),
          ...validated<P, Q, B>(c),
        });
        return respond(c, d, outcome);
      }) as never);
    },
  };
}

/** Errors that any route may answer with. */
const always: readonly ErrorCode[] = [
  'bad_request',
  'unauthenticated',
  'forbidden',
  'validation_failed',
  'rate_limited',
  'internal_error',
];
/** Refused whether the route reads a body or not. */
const unlessGet: readonly ErrorCode[] = ['payload_too_large'];
const withBody: readonly ErrorCode[] = ['unsupported_media_type'];
const withKey: readonly ErrorCode[] = ['idempotency_conflict', 'idempotency_in_progress'];

const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .openapi({ description: 'Repeating the request with the same key within 24 h repeats its answer.' }),
});

function describe(
  d: Omit<Description<unknown, unknown, unknown, unknown>, 'needs'>,
  security: Record<string, string[]>[],
  idempotent: boolean,
) {
  const codes = [
    ...always,
    ...(d.params ? (['not_found'] as const) : []),
    ...(d.method === 'get' ? [] : unlessGet),
    ...(d.body ? withBody : []),
    ...(idempotent ? withKey : []),
    ...(d.refuses ?? []),
  ];
  const status = statusOf(d);
  const success = d.answer ? { description: d.summary, content: contentOf(d) } : { description: d.summary };
  return createRoute({
    method: d.method,
    path: `/api/v1${d.path}`,
    operationId: `${d.method}${d.path.replace(/[{}]/g, '').replace(/[/-](\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [d.tag],
    summary: d.summary,
    ...(d.description !== undefined && { description: d.description }),
    security,
    request: {
      ...(d.params ? { params: d.params as z.ZodObject } : {}),
      ...(d.query ? { query: d.query as z.ZodObject } : {}),
      ...(idempotent ? { headers: idempotencyHeader } : {}),
      ...(d.body
        ? { body: { content: { 'application/json': { schema: d.body as z.ZodType } }, required: true } }
        : {}),
    },
    responses: { [status]: success, ...(d.mayExist && { 200: success }), ...refusals(codes) },
  });
}

function contentOf({
  produces,
  answer,
}: Pick<Description<unknown, unknown, unknown, unknown>, 'produces' | 'answer'>) {
  if (!produces) return { 'application/json': { schema: answer as z.ZodType } };
  return Object.fromEntries(produces.map((type) => [type, { schema: z.string() }]));
}

function refusals(codes: readonly ErrorCode[]) {
  const byStatus = Map.groupBy(new Set(codes), (code) => (errors[code] as ErrorKind).status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${errors[code].title}`).join('\n\n'),
        content: { 'application/problem+json': { schema: problemDocument } },
      },
    ]),
  );
}

function validated<P, Q, B>(c: Call) {
  const valid = (target: 'param' | 'query' | 'json') => c.req.valid(target as never);
  return {
    params: valid('param') as z.output<P>,
    query: valid('query') as z.output<Q>,
    body: valid('json') as z.output<B>,
  };
}

function respond(
  c: Call,
  d: Omit<Description<unknown, unknown, unknown, unknown>, 'needs'>,
  outcome: Awaited<Outcome<unknown>>,
): Response {
  if (!outcome.ok) {
    return problem(c, outcome.code, outcome.detail, 'members' in outcome ? outcome.members : undefined);
  }
  c.header('Cache-Control', 'no-store');
  if (outcome.body instanceof Response) return c.newResponse(outcome.body.body, outcome.body);
  if (!d.answer) return c.body(null, 204);
  return c.json(outcome.body as object, (outcome.status ?? statusOf(d)) as ContentfulStatusCode);
}

function replayed(c: Call, { status, body }: StoredAnswer): Response {
  c.header('Cache-Control', 'no-store');
  c.header('Idempotency-Replayed', 'true');
  return c.json(body as object, status as ContentfulStatusCode);
}

const statusOf = ({
  answer,
  status,
}: Pick<Description<unknown, unknown, unknown, unknown>, 'answer' | 'status'>) =>
  answer ? (status ?? 200) : 204;
