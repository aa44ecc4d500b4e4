/**
 * How the Client stands at this moment, in the form that `local-api.ts` serves and `status.ts`,
 * `resources.ts` and `report.ts` print. Field names are the public JSON of those commands.
 */
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import type { AclResource } from '#schema/acl/document.ts';
import type { Mapping } from '#schema/path/candidates.ts';
import { usualWeight } from '#schema/path/spread.ts';
import type { PathState } from '#schema/path/upkeep.ts';
import type { DirectPath } from './direct-path.ts';
import type { RefusalStatus } from './refusals.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import type { TransparentStatus } from './tun/transparent.ts';
import type { AssociationCounts } from './udp/associations.ts';

export type ClientState = 'online' | 'connecting' | 'offline';

export interface Snapshot {
  state: ClientState;
  version: string;
  tenant: string;
  service_account: string;
  key: string;
  key_expires_at: string | null;
  instance: string | null;
  /** What is waited for; null once logged in. */
  waiting_for: { code: string; detail: string | null } | null;
  controller: { state: string; heard_seconds_ago: number | null; clock_offset_ms: number };
  acl_version: number | null;
  networks: NetworkStatus[];
  relays: { id: string; url: string }[];
  listeners: Record<string, string>;
  direct: boolean;
  /** Whether Connectors are met without a relay where possible. */
  p2p: 'off' | 'auto';
  flows: number;
  /** How often a tunnel fell silent, so that another was sought. */
  doubts: number;
  /** Direct paths that came about, and attempts that came to nothing. */
  direct_paths: { opened: number; failed: number };
  /** UDP and ICMP; the live ones are among the flows where a tunnel carries them. */
  udp: AssociationCounts;
  /** Transparent mode; null without it. */
  tun: TransparentStatus | null;
  events: { waiting: number; dropped: number };
  /** The latest first. */
  refusals: RefusalStatus[];
  uptime_seconds: number;
}

export interface NetworkStatus {
  id: string;
  resources: number;
  connectors: {
    hash: string;
    state: string;
    /** By which new flows go; null without a tunnel. */
    path: 'direct' | 'relay' | null;
    /** Null on a direct path. */
    relay: string | null;
    round_trip_ms: number | null;
    flows: number;
    flows_direct: number;
    /** Null with --p2p off. */
    direct: DirectStatus | null;
    /** Share of the load that it takes beside the others. */
    weight: number;
    doubts: number;
    last_failure: string | null;
  }[];
}

/** The direct path beside the one through a relay. */
export interface DirectStatus {
  state: PathState;
  /** What a NAT in front of this host does, as of the last attempt. */
  nat: Mapping;
  round_trip_ms: number | null;
  last_failure: string | null;
}

export interface ResourceStatus extends Pick<AclResource, 'id' | 'address' | 'tcp' | 'udp' | 'icmp'> {
  alias: string | null;
  network: string;
  /** Whether a tunnel to its Remote Network is open. */
  reachable: boolean;
  /** RFC 3339; null without an end. */
  until: string | null;
}

/** Silence beyond two missed pings is no longer a hiccup. */
const offlineAfterMs = 60_000;

export function stateOf(sessions: Sessions, nowMs: number): ClientState {
  const session = sessions.current;
  if (session === undefined) return 'connecting';
  if (session.channelState === 'open') return 'online';
  return nowMs - session.lastHeardMs > offlineAfterMs ? 'offline' : 'connecting';
}

export function snapshotOf(
  sessions: Sessions,
  facts: Pick<
    Snapshot,
    'version' | 'listeners' | 'direct' | 'p2p' | 'udp' | 'tun' | 'refusals' | 'uptime_seconds'
  >,
  nowMs: number,
): Snapshot {
  const { current, key, waitingFor } = sessions;
  const heard = current ? (nowMs - current.lastHeardMs) / 1000 : Number.POSITIVE_INFINITY;
  return {
    state: stateOf(sessions, nowMs),
    tenant: key.tenantUrl,
    service_account: key.principal,
    key: key.keyId,
    key_expires_at: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
    instance: current?.instance ?? null,
    waiting_for: current ? null : { code: waitingFor.code, detail: waitingFor.detail ?? null },
    controller: {
      state: current?.channelState ?? 'connecting',
      heard_seconds_ago: Number.isFinite(heard) ? Math.round(heard) : null,
      clock_offset_ms: current?.clock.offsetMs ?? 0,
    },
    acl_version: current?.acls.version ?? null,
    networks: current ? networksOf(current) : [],
    relays: (current?.relays ?? []).map(({ id, url }) => ({ id, url })),
    flows: current?.tunnels.flows ?? 0,
    doubts: current?.tunnels.doubts ?? 0,
    direct_paths: { ...(current?.directPaths ?? { opened: 0, failed: 0 }) },
    events: { waiting: current?.outbox.waiting ?? 0, dropped: current?.outbox.dropped ?? 0 },
    ...facts,
  };
}

export function resourcesOf({ current }: Sessions): ResourceStatus[] {
  if (current === undefined) return [];
  return current.acls.resources
    .map(({ network, resource }) => {
      const { id, address, alias = null, tcp, udp, icmp, until } = resource;
      const reachable = current.tunnels.links(network).some(({ tunnel }) => tunnel);
      const end = until === undefined ? null : new Date(until * 1000).toISOString();
      return { id, address, alias, tcp, udp, icmp, network, reachable, until: end };
    })
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}

const networksOf = ({ acls, tunnels }: Session): NetworkStatus[] =>
  [...acls.networks].map(([id, { claims }]) => ({
    id,
    resources: claims.acl.resources.length,
    connectors: tunnels.links(id).map((link) => ({
      hash: link.hash,
      state: link.state,
      path: link.kind ?? null,
      relay: link.relay?.id ?? null,
      round_trip_ms: roundTripOf(link.tunnel),
      flows: link.flows,
      flows_direct: link.flowsDirect,
      direct: link.direct ? directOf(link.direct) : null,
      weight: link.weight ?? usualWeight,
      doubts: link.doubts,
      last_failure: link.failure ? `${link.failure.error.code}: ${link.failure.error.message}` : null,
    })),
  }));

const directOf = ({ state, mapping, path, failure }: DirectPath): DirectStatus => ({
  state,
  nat: mapping,
  round_trip_ms: roundTripOf(path?.tunnel),
  last_failure: failure ? `${failure.code}: ${failure.detail}` : null,
});

const roundTripOf = (tunnel: ClientTunnel | undefined): number | null =>
  tunnel && Number.isFinite(tunnel.rttMs) ? Math.round(tunnel.rttMs * 100) / 100 : null;
