/**
 * What the ACLs say, worked out from what `read-configuration.ts` has read: what a principal may reach in each
 * Remote Network and by whom, and what the Connectors of a Remote Network may forward to. `issue.ts` signs it
 * at login, the control channel when it changes.
 */
import type { AclEntries, AclEntry, AclResource, GrantedResource } from '#schema/acl/document.ts';
import { entryKey } from '#schema/acl/document.ts';
import type { ConnectorEntry, RelayEntry } from '#schema/control/messages.ts';
import { usualWeight } from '#schema/path/spread.ts';
import type { Settings } from '../ports.ts';
import type { Configuration } from './read-configuration.ts';

/** What a principal is shown of one Remote Network. */
export interface NetworkView {
  resources: GrantedResource[];
  connectors: ConnectorEntry[];
  /** ACLs of a lower version are void: a new one is needed even where nothing else has changed. */
  floor: number;
}

type ConnectorRow = Configuration['connectors'][number];

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
export function nextExpiry({ grants, keys, now }: Configuration): number | undefined {
  let next: number | undefined;
  for (const { expiresAt } of [...[...grants.values()].flat(), ...keys.values()]) {
    if (expiresAt !== null && expiresAt > now && (next === undefined || expiresAt < next)) next = expiresAt;
  }
  return next;
}

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
