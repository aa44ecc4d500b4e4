/**
 * POST /explain/probe: has the Connectors of the Remote Network try the destination now, and tells by hop what
 * became of it. It goes no further than a flow of this principal could: a Resource that is granted must decide
 * and allow the port, and each Connector asks its own ACL again. Rate-limited per Connector
 * (`control-channel/probes.ts`), and in the audit log.
 */
import { z } from '@hono/zod-openapi';
import { type ErrorCode, errors, isErrorCode, refuse } from '#schema/errors.ts';
import { type Ask, adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { base64url } from '../../secret.ts';
import { decide } from './decide.ts';
import { explanation, question } from './shape.ts';

/** Milliseconds: a Connector gives a name and a destination less. */
const timeoutMs = 18_000;
const mostConnectors = 4;

const hop = z.object({
  hop: z.enum(['control_channel', 'acl', 'resolve', 'connect']),
  ok: z.boolean(),
  ms: z.number(),
  code: z.string().nullable(),
  title: z.string().nullable(),
  remedy: z.string().nullable(),
  found: z.array(z.string()).openapi({ description: 'Addresses of the name; the one that accepted.' }),
});

const probe = z.object({
  connector_id: z.string(),
  connector_name: z.string(),
  ok: z.boolean(),
  hops: z.array(hop).openapi({ description: 'In order; the last one is where it ended.' }),
});

export const probeDestination = adminRoute(
  {
    method: 'post',
    path: '/explain/probe',
    tag: 'Grants',
    summary: 'Have the Connectors try a destination that a principal may reach',
    needs: 'probes:write',
    body: question.extend({ port: z.number().int().min(1).max(65535).optional() }),
    answer: z.object({ explanation, probes: z.array(probe) }).openapi('Probe'),
    status: 200,
    refuses: ['not_found', 'not_a_resource', 'port_denied', 'no_connector'],
  },
  async (ask) => {
    const { body } = ask;
    const decision = await decide(ask, body);
    if (!decision.ok) return decision;
    const { resource, alive, explanation } = decision;
    if (!resource)
      return refuse(
        explanation.code === 'port_denied' || explanation.resource_id !== null
          ? 'port_denied'
          : 'not_a_resource',
        'only what the principal is granted can be probed',
      );
    if (alive.length === 0) return refuse('no_connector');
    const probes = await Promise.all(
      alive.slice(0, mostConnectors).map((connector) => tryBy(ask, connector, resource.id)),
    );
    const { principal, host, port, protocol } = body;
    const change = new Change(ask);
    for (const { connector_id, ok, hops } of probes) {
      const to = { principal, resource: resource.id, host, port: port ?? null, protocol };
      const code = hops.at(-1)?.code ?? null;
      change.audit('probe', 'connector', connector_id, { after: { ...to, ok, code } });
    }
    return change.commit({ body: { explanation, probes } });
  },
);

async function tryBy(
  { ports, scope, body }: Ask<unknown, unknown, z.output<typeof question>>,
  { id, name }: { id: string; name: string },
  resource: string,
): Promise<z.input<typeof probe>> {
  const { host, port, protocol } = body;
  const message = {
    ...{ type: 'probe' as const, probe: base64url(ports.random(16)), resource, protocol, host },
    ...(port !== undefined && { port }),
  };
  const from = ports.clock();
  const asked = await ports.channels.probe(scope.tenantId, id as never, message, timeoutMs);
  const ms = ports.clock() - from;
  if (!asked.ok) {
    const { code, detail } = asked;
    const channel = { hop: 'control_channel' as const, ok: false, ms, ...about(code), found: [] };
    return {
      ...{ connector_id: id, connector_name: name, ok: false },
      hops: [{ ...channel, title: detail ?? channel.title }],
    };
  }
  const spent = asked.hops.reduce((sum, one) => sum + one.ms, 0);
  const channel = { hop: 'control_channel' as const, ok: true, ms: Math.max(0, ms - spent) };
  const hops = [channel, ...asked.hops].map((one) => ({
    ...{ hop: one.hop, ok: one.ok, ms: Math.round(one.ms * 10) / 10 },
    ...about('code' in one && isErrorCode(one.code) ? one.code : null),
    found: 'found' in one ? (one.found ?? []) : [],
  }));
  return { connector_id: id, connector_name: name, ok: hops.every(({ ok }) => ok), hops };
}

const about = (code: ErrorCode | null) => ({
  code,
  title: code && errors[code].title,
  remedy: code && errors[code].remedy,
});
