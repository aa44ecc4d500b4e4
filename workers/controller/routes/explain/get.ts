/**
 * GET /explain: would this Service Account reach this destination now, and if not, what stands in the way.
 * Asks what Controller, Client and Connector would ask, in their order, by the same rules (`acl/match.ts`).
 */
import { z } from '@hono/zod-openapi';
import { and, eq, gt, isNull, or } from 'drizzle-orm';
import type { AclResource, Destination } from '#schema/acl/document.ts';
import { compile, type MatchVerdict } from '#schema/acl/match.ts';
import { connectors, grants, resources, serviceAccounts, serviceKeys } from '#schema/db/tables.ts';
import { type ErrorCode, errors } from '#schema/errors.ts';
import type { Id } from '#schema/ids.ts';
import { stateOf } from '#schema/service-key/life.ts';
import { type Ask, adminRoute, answer } from '../../admin-route.ts';
import { absent } from '../../fields.ts';
import { presentAgents } from '../../presence.ts';
import type { Row } from '../../scope.ts';
import { connectorState } from '../connectors/state.ts';

const step = z.object({
  check: z.enum(['service_key', 'resource', 'grant', 'port', 'connector']),
  ok: z.boolean(),
  detail: z.string(),
});
type Step = z.infer<typeof step>;

const explanation = z
  .object({
    allowed: z.boolean(),
    code: z.string().nullable().openapi({ description: 'What the Client would be told; null when allowed.' }),
    remedy: z.string().nullable(),
    resource_id: z.string().nullable(),
    rule: z.string().nullable().openapi({ description: 'The address or alias that decides.' }),
    remote_network_id: z.string().nullable(),
    steps: z.array(step),
  })
  .openapi('Explanation');

export const explain = adminRoute(
  {
    method: 'get',
    path: '/explain',
    tag: 'Grants',
    summary: 'Explain whether a Service Account reaches a destination',
    needs: 'grants:read',
    query: z.object({
      principal: z.string().openapi({ description: 'The id of a Service Account.' }),
      host: z.string().min(1).max(260),
      port: z.coerce.number().int().min(1).max(65535).optional(),
      protocol: z.enum(['tcp', 'udp', 'icmp']).default('tcp'),
    }),
    answer: explanation,
    refuses: ['not_found'],
  },
  async (ask) => {
    const { scope, query, now } = ask;
    const { principal, protocol, host, port } = query;
    const account = await scope.byId(serviceAccounts, principal);
    if (!account) return absent('Service Account', principal);
    const destination: Destination = { protocol, host, ...(port !== undefined && { port }) };
    const inForce = or(isNull(grants.expiresAt), gt(grants.expiresAt, now));
    const granted = await scope.join(
      grants,
      resources,
      eq(grants.resourceId, resources.id),
      and(eq(grants.granteeId, account.id), inForce),
    );
    const own = match(
      granted.map(({ right }) => right),
      destination,
    );
    const decided = own.code === 'not_a_resource' ? undefined : own;

    const steps: Step[] = [await keyStep(ask, account.id)];
    if (!decided) steps.push(await ungrantedStep(ask, account.id, destination));
    else {
      const { resource, rule } = decided;
      steps.push({ check: 'grant', ok: true, detail: `${resource.id} is granted, and ${rule} decides` });
      steps.push(portStep(decided, destination));
      steps.push(await connectorStep(ask, resource.remoteNetworkId));
    }
    const failed = steps.find(({ ok }) => !ok);
    const code = failed ? codes[failed.check] : null;
    return answer({
      allowed: !failed,
      code,
      remedy: code && errors[code].remedy,
      resource_id: decided?.resource.id ?? null,
      rule: decided?.rule ?? null,
      remote_network_id: decided?.resource.remoteNetworkId ?? null,
      steps,
    });
  },
);

const codes: Record<Step['check'], ErrorCode> = {
  service_key: 'credential_unknown',
  resource: 'not_a_resource',
  grant: 'not_a_resource',
  port: 'port_denied',
  connector: 'no_connector',
};

type Listed = AclResource & Pick<Row<typeof resources>, 'remoteNetworkId' | 'name'>;
type Matched = MatchVerdict<Listed> & { code?: ErrorCode };

function match(rows: Row<typeof resources>[], destination: Destination): Matched {
  const inOrder = rows
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ alias, ...row }) => ({ ...row, ...(alias !== null && { alias }) }));
  return compile<Listed>(inOrder).find(destination);
}

async function keyStep({ scope, now }: Ask, account: Id<'serviceAccount'>): Promise<Step> {
  const keys = await scope.select(serviceKeys, { where: eq(serviceKeys.serviceAccountId, account) });
  const active = keys.filter((key) => stateOf(key, now) === 'active').length;
  return {
    check: 'service_key',
    ok: active > 0,
    detail: active > 0 ? `${active} active keys` : `none of its ${keys.length} keys is active`,
  };
}

/** Nothing granted matches: whether there is a Resource at all, and what became of its grant. */
async function ungrantedStep({ scope }: Ask, account: string, destination: Destination): Promise<Step> {
  const found = match(await scope.select(resources), destination);
  if (found.code === 'not_a_resource')
    return { check: 'resource', ok: false, detail: `no Resource matches ${destination.host}` };
  const { id, name } = (found as Extract<Matched, { resource: Listed }>).resource;
  const grant = await scope.find(
    grants,
    and(eq(grants.resourceId, id as never), eq(grants.granteeId, account))!,
  );
  const why = grant ? 'its grant has expired' : 'it is not granted';
  return { check: 'grant', ok: false, detail: `the Resource ${id} (${name}) matches, but ${why}` };
}

function portStep({ ok, resource }: Extract<Matched, { resource: Listed }>, to: Destination): Step {
  const what = to.protocol === 'icmp' ? 'icmp' : `${to.protocol} port ${to.port ?? '(none given)'}`;
  return { check: 'port', ok, detail: `${resource.id} ${ok ? 'allows' : 'does not allow'} ${what}` };
}

async function connectorStep(ask: Ask, network: Id<'remoteNetwork'>): Promise<Step> {
  const rows = await ask.scope.select(connectors, { where: eq(connectors.remoteNetworkId, network) });
  const present = await presentAgents(ask, 'connector');
  const states = rows.map((row) => ({
    name: row.name,
    ...connectorState(row, present.get(row.id), ask.now),
  }));
  const alive = states.filter(({ state }) => state === 'alive').length;
  const others = states.map(({ name, state }) => `${name} ${state}`).join(', ');
  return {
    check: 'connector',
    ok: alive > 0,
    detail: alive > 0 ? `${alive} Connectors are alive` : `no Connector is alive${others && `: ${others}`}`,
  };
}
