/**
 * What the ACLs say, worked out from what `read-configuration.ts` has read: what a principal may reach in each
 * Remote Network and by whom, and what the Connectors of a Remote Network may forward to. `issue.ts` signs it
 * at login, the control channel when it changes.
 */
import type { AclEntries, AclEntry, AclResource, GrantedResource } from '#schema/acl/document.ts';
import { entryKey } from '#schema/acl/document.ts';
import type { ConnectorEntry, RelayEntry, Withheld } from '#schema/control/messages.ts';
import { usualWeight } from '#schema/path/spread.ts';
import { type Circumstances, judgePolicy } from '#schema/policy/judge.ts';
import type { Settings } from '../ports.ts';
import type { Configuration } from './read-configuration.ts';

/** What a principal is shown of one Remote Network. */
export interface NetworkView {
  resources: GrantedResource[];
  connectors: ConnectorEntry[];
  /** Of a person: what a Security Policy keeps from this session, and by which rule. */
  withheld?: Withheld[];
  /** ACLs of a lower version are void: a new one is needed even where nothing else has changed. */
  floor: number;
}

type ConnectorRow = Configuration['connectors'][number];
type SessionRow = NonNullable<ReturnType<Configuration['sessions']['get']>>['session'];

/** A Connector that has been away for longer is not shown, unless there is no better one; milliseconds. */
const absenceBudget = 120_000;
const shownConnectors = 16;

/** Remote Network → what the principal is shown of it; networks without a granted Resource are absent. */
export function compileForPrincipal(
  configuration: Configuration,
  principal: string,
  settings: Pick<Settings, 'edgeRelays'>,
): Record<string, NetworkView> {
  const floor = configuration.floors.find(({ principalId }) => principalId === principal)?.version ?? 0;
  const views: Record<string, NetworkView> = {};
  const granted = [...(configuration.grants.get(principal) ?? [])].sort((a, b) =>
    compare(a.resource.id, b.resource.id),
  );
  for (const { resource, expiresAt } of granted) {
    const network = resource.remoteNetworkId;
    views[network] ??= { resources: [], connectors: connectorsOf(configuration, network, settings), floor };
    const until = expiresAt === null ? {} : { until: Math.floor(expiresAt / 1000) };
    views[network].resources.push({ ...resourceEntry(resource), ...until });
  }
  return views;
}

/**
 * The same for one session of a person: Security Policies decide over each Resource, and what they withhold is
 * told apart, so that the person learns which rule it was.
 */
export function compileForSession(
  configuration: Configuration,
  id: string,
  settings: Pick<Settings, 'edgeRelays'>,
): Record<string, NetworkView> {
  const held = configuration.sessions.get(id);
  if (!held) return {};
  const views = compileForPrincipal(configuration, held.session.userId, settings);
  const granted = configuration.grants.get(held.session.userId) ?? [];
  const named = new Map(granted.map(({ resource }) => [resource.id as string, resource.policyId]));
  const at = circumstancesOf(held.session, configuration.now);
  for (const view of Object.values(views)) {
    const withheld: Withheld[] = [];
    view.resources = view.resources.flatMap((resource) => {
      const policy = policyOver(configuration, named.get(resource.id) ?? null);
      const verdict = policy && judgePolicy(policy.rules, at);
      if (!verdict) return [resource];
      if (verdict.ok) {
        const until = Math.min(resource.until ?? Infinity, Math.floor(verdict.until / 1000));
        return [Number.isFinite(until) ? { ...resource, until } : resource];
      }
      const { address, alias } = resource;
      withheld.push({ address, ...(alias && { alias }), policy: policy.name, reason: verdict.reason });
      return [];
    });
    if (withheld.length > 0) view.withheld = withheld;
  }
  return views;
}

/** What the Connectors of a Remote Network may forward to, and what no longer counts there. */
export function compileForNetwork(configuration: Configuration, network: string): AclEntries {
  const entries: AclEntry[] = [];
  for (const resource of configuration.resources) {
    if (resource.remoteNetworkId === network) {
      const reserved = resource.allowReserved ? { reserved: true } : {};
      entries.push({ kind: 'resource', resource: { ...resourceEntry(resource), ...reserved } });
    }
  }
  for (const { principalId, version } of configuration.floors) {
    entries.push({ kind: 'floor', principal: principalId, version });
  }
  for (const { subject } of configuration.revocations) {
    // A Client ACL names its key, instance and principal, so these are enough; jkts may be many.
    const named = [subject['keys'], subject['instances'], subject['principals']];
    for (const id of named.flatMap((ids) => ids ?? [])) entries.push({ kind: 'revoked', id });
  }
  return Object.fromEntries(entries.map((entry) => [entryKey(entry), entry]));
}

/** The relays that agents may use: those that run by themselves first, the edge last. */
export function relayList(
  configuration: Pick<Configuration, 'relays'>,
  { edgeRelays }: Pick<Settings, 'edgeRelays'>,
): RelayEntry[] {
  const own = [...configuration.relays].sort((a, b) => compare(a.id, b.id));
  return [...own.map(({ id, url, carriers }) => ({ id, url, carriers })), ...edgeRelays];
}

/** When the next thing in here runs out by itself; milliseconds since the epoch. */
export function nextExpiry({ grants, keys, sessions, policies, now }: Configuration): number | undefined {
  const ends: (number | null)[] = [...[...grants.values()].flat(), ...keys.values()].map(
    (one) => one.expiresAt,
  );
  for (const { session } of sessions.values()) {
    ends.push(session.expiresAt);
    for (const { rules } of policies) {
      const verdict = judgePolicy(rules, circumstancesOf(session, now));
      if (verdict.ok) ends.push(verdict.until);
    }
  }
  return ends.reduce<number | undefined>(
    (next, end) => (end !== null && end > now && (next === undefined || end < next) ? end : next),
    undefined,
  );
}

/** The Resource's own, else the Tenant's default; undefined: nothing is asked. */
export const policyOver = ({ policies }: Configuration, named: string | null) =>
  policies.find(({ id, isDefault }) => (named === null ? isDefault : id === named));

export const circumstancesOf = (session: SessionRow, now: number): Circumstances => ({
  now,
  startedAt: session.createdAt,
  authenticatedAt: session.authentication.at,
  acr: session.authentication.acr,
  amr: session.authentication.amr,
  idpGroups: session.authentication.groups,
  address: session.address,
  version: session.version,
  platform: session.platform,
});

function connectorsOf(
  { connectors, now, relays }: Configuration,
  network: string,
  settings: Pick<Settings, 'edgeRelays'>,
): ConnectorEntry[] {
  const known = relayList({ relays }, settings).map(({ id }) => id);
  const all = connectors.filter(({ remoteNetworkId }) => remoteNetworkId === network);
  const here = all.filter((row) => isConnected(row) || now - (row.disconnectedAt ?? 0) < absenceBudget);
  return (here.length > 0 ? here : all)
    .sort((a, b) => compare(a.hash!, b.hash!))
    .slice(0, shownConnectors)
    .map((row) => ({ hash: row.hash!, relays: relaysOf(row, known), ...weightOf(row) }));
}

const isConnected = ({ connectedAt, disconnectedAt }: ConnectorRow): boolean =>
  connectedAt !== null && (disconnectedAt === null || disconnectedAt < connectedAt);

const weightOf = ({ weight }: ConnectorRow) => (weight === null || weight === usualWeight ? {} : { weight });

/** Where the Connector says that it can be met; as long as it has said nothing, anywhere. */
function relaysOf({ relays }: ConnectorRow, known: string[]): string[] {
  const linked = (relays ?? []).filter(({ state }) => state === 'connected').map(({ relay }) => relay);
  const order = known.filter((id) => linked.includes(id));
  return order.length > 0 ? order : known;
}

function resourceEntry(row: Configuration['resources'][number]): AclResource {
  const { id, address, alias, tcp, udp, icmp } = row;
  return { id, address, ...(alias !== null && { alias }), tcp, udp, icmp };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
