/**
 * Would this principal reach this destination now? Asks what Controller, Client and Connector would ask, in
 * their order and by their own rules (`acl/match.ts`, `policy/judge.ts`), from what they would be given
 * (`agents/read-configuration.ts`).
 */
import type { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import type { AclResource, Destination } from '#schema/acl/document.ts';
import { compile, type MatchVerdict } from '#schema/acl/match.ts';
import { grants, groupMembers, groups, resources, serviceAccounts, users } from '#schema/db/tables.ts';
import { type ErrorCode, errors, type Refusal } from '#schema/errors.ts';
import { isId } from '#schema/ids.ts';
import type { Ask } from '../../admin-route.ts';
import { readInScope } from '../../agents/read-configuration.ts';
import { absent } from '../../fields.ts';
import { among, type Row } from '../../scope.ts';
import { connectorFindings } from './connectors.ts';
import { keyFinding, personFindings, sessionsOf } from './credentials.ts';
import { policyFinding } from './policy.ts';
import { components, type explanation, type Finding, type Question } from './shape.ts';

export interface Decision {
  ok: true;
  explanation: z.input<typeof explanation>;
  /** The Resource that decides and allows the port, and its Connectors that are alive. */
  resource: Listed | undefined;
  alive: { id: string; name: string }[];
}

type Listed = AclResource & Pick<Row<typeof resources>, 'remoteNetworkId' | 'name' | 'policyId'>;
type Matched = MatchVerdict<Listed> & { code?: ErrorCode };
type Deciding = Extract<Matched, { resource: Listed }>;

export async function decide(ask: Ask, question: Question): Promise<Decision | Refusal<'not_found'>> {
  const { scope } = ask;
  const { principal, protocol, host, port } = question;
  const person = isId('user', principal) ? await scope.byId(users, principal) : undefined;
  const account = person ? undefined : await scope.byId(serviceAccounts, principal);
  if (!person && !account) return absent('Service Account or user', principal);

  const sessions = person ? await sessionsOf(ask, person.id) : [];
  const wanted = { principals: [principal], keys: sessions.map(({ id }) => id) };
  const configuration = await readInScope(ask, wanted);
  if (!configuration) return absent('Tenant', scope.tenantId);
  const destination: Destination = { protocol, host, ...(port !== undefined && { port }) };
  const granted = configuration.grants.get(principal) ?? [];
  const own = match(
    granted.map(({ resource }) => resource),
    destination,
  );
  const decided = own.code === 'not_a_resource' ? undefined : (own as Deciding);

  const findings = account ? [await keyFinding(ask, account.id)] : personFindings(person!, sessions);
  let alive: Decision['alive'] = [];
  if (!decided) findings.push(await ungranted(ask, principal, destination));
  else {
    findings.push(await grantFinding(ask, principal, decided), portFinding(decided, destination));
    if (person) findings.push(policyFinding(configuration, decided.resource.policyId, sessions));
    const reached = await connectorFindings(ask, decided.resource.remoteNetworkId);
    findings.push(...reached.findings);
    alive = reached.alive;
  }
  const code = findings.map((one) => (one.ok ? null : one.code)).find((one) => one !== null) ?? null;
  return {
    ok: true,
    resource: decided?.ok ? decided.resource : undefined,
    alive,
    explanation: {
      allowed: code === null,
      code,
      remedy: code && errors[code].remedy,
      resource_id: decided?.resource.id ?? null,
      resource_name: decided?.resource.name ?? null,
      rule: decided?.rule ?? null,
      remote_network_id: decided?.resource.remoteNetworkId ?? null,
      steps: findings.map(shown),
    },
  };
}

const shown = (finding: Finding) => {
  const { check, ok, detail } = finding;
  const code = finding.ok ? null : finding.code;
  return { check, component: components[check], ok, detail, code, remedy: code && errors[code].remedy };
};

function match(rows: Row<typeof resources>[], destination: Destination): Matched {
  const inOrder = rows
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ alias, ...row }) => ({ ...row, ...(alias !== null && { alias }) }));
  return compile<Listed>(inOrder).find(destination);
}

/** Those through whom the principal is granted something: itself, and a person's groups. */
async function granteesOf({ scope }: Ask, principal: string): Promise<string[]> {
  const member = await scope.select(groupMembers, { where: eq(groupMembers.userId, principal as never) });
  return [principal, ...member.map(({ groupId }) => groupId)];
}

async function grantsOf(ask: Ask, principal: string, resource: string) {
  const where = and(
    eq(grants.resourceId, resource as never),
    among(grants.granteeId, await granteesOf(ask, principal)),
  );
  return ask.scope.select(grants, { where });
}

async function grantFinding(ask: Ask, principal: string, { resource, rule }: Deciding): Promise<Finding> {
  const rows = await grantsOf(ask, principal, resource.id);
  const live = rows.filter(({ expiresAt }) => expiresAt === null || expiresAt > ask.now);
  const through = live.filter(({ granteeKind }) => granteeKind === 'group').map(({ granteeId }) => granteeId);
  const named = await ask.scope.select(groups, { where: among(groups.id, through) });
  const by = named.length === 0 ? '' : ` through ${named.map(({ name }) => name).join(', ')}`;
  return {
    check: 'grant',
    ok: true,
    detail: `${resource.name} (${resource.id}) is granted${by}, and ${rule} decides`,
  };
}

/** Nothing granted matches: whether there is a Resource at all, and what became of its grant. */
async function ungranted(ask: Ask, principal: string, destination: Destination): Promise<Finding> {
  const found = match(await ask.scope.select(resources), destination);
  const code = 'not_a_resource';
  if (found.code === code)
    return { check: 'resource', ok: false, code, detail: `no Resource matches ${destination.host}` };
  const { id, name } = (found as Deciding).resource;
  const expired = (await grantsOf(ask, principal, id)).length > 0;
  const why = expired ? 'its grant has expired' : 'it is not granted';
  return { check: 'grant', ok: false, code, detail: `the Resource ${id} (${name}) matches, but ${why}` };
}

function portFinding({ ok, resource }: Deciding, to: Destination): Finding {
  const what = to.protocol === 'icmp' ? 'icmp' : `${to.protocol} port ${to.port ?? '(none given)'}`;
  const detail = `${resource.name} ${ok ? 'allows' : 'does not allow'} ${what}`;
  return ok ? { check: 'port', ok, detail } : { check: 'port', ok, code: 'port_denied', detail };
}
