/**
 * How a Connector stands and why, from what the table and its control channel say.
 */
import { minimumCapability, pingInterval, pongTimeout } from '#schema/control/messages.ts';
import type { connectors } from '#schema/db/tables.ts';
import { iso } from '../../fields.ts';
import type { Presence } from '../../ports.ts';
import type { Row } from '../../scope.ts';

export const connectorStates = [
  'alive',
  'no_heartbeat',
  'heartbeat_too_old',
  'no_relay',
  'outdated',
  'revoked',
  'not_enrolled',
] as const;
export type ConnectorState = (typeof connectorStates)[number];

/** Milliseconds of silence after which an open channel counts for nothing. */
const heartbeatTooOld = 2 * (pingInterval + pongTimeout) * 1000;

interface Circumstances {
  present: Presence | undefined;
  /** Names by id. */
  relays: ReadonlyMap<string, string>;
  nowMs: number;
}

/** In order: the first reason that applies is told. */
export function connectorState(
  row: Row<typeof connectors>,
  { present, relays, nowMs }: Circumstances,
): { state: ConnectorState; state_reason: string } {
  const told = (state: ConnectorState, state_reason: string) => ({ state, state_reason });
  const silent = (since: number) => told('heartbeat_too_old', `last heard of at ${iso(since)}`);
  if (row.revokedAt !== null) return told('revoked', `revoked at ${iso(row.revokedAt)}; this is final`);
  if (row.enrolledAt === null) return told('not_enrolled', 'no Connector has used its enrolment token yet');
  // Refused as often as it comes, so it is never present.
  if (row.capability !== null && row.capability < minimumCapability) {
    return told(
      'outdated',
      `version ${row.version ?? 'unknown'} has capability ${row.capability}, ${minimumCapability} is needed: update it`,
    );
  }
  if (!present) {
    if (row.silent && row.disconnectedAt !== null) return silent(row.disconnectedAt);
    return row.connectedAt === null
      ? told('no_heartbeat', 'enrolled, but it has never opened its control channel')
      : told('no_heartbeat', `its control channel is closed${since(row.disconnectedAt)}`);
  }
  if (nowMs - present.lastSeen > heartbeatTooOld) return silent(present.lastSeen);
  const links = row.relays ?? [];
  const connected = links.filter(({ state }) => state === 'connected').length;
  if (connected === 0) {
    const named = (id: string) => relays.get(id) ?? id;
    const failed = links.map(({ relay, state, code }) => `${named(relay)} (${code ?? state})`).join(', ');
    return told('no_relay', `no relay is connected${failed && `: ${failed}`}`);
  }
  return told('alive', `connected to ${connected} of ${links.length} relays`);
}

const since = (ms: number | null): string => (ms === null ? '' : ` since ${iso(ms)}`);
