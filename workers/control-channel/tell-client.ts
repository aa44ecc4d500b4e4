/**
 * What a Client is told over its control channel: for each Remote Network that changed, its ACL signed anew
 * and where the Connectors are met.
 */
import { type Ledger, since } from '#schema/acl/ledger.ts';
import type { NetworkEntry } from '#schema/control/messages.ts';
import type { NetworkView } from '#workers/controller/agents/compile-acl.ts';
import { issueClientAcl, type Signer } from '#workers/controller/agents/issue.ts';
import type { Configuration } from '#workers/controller/agents/read-configuration.ts';
import { changeSeat, tell } from './seat.ts';
import type { ClientAgent, Mode, TenantSeat } from './update.ts';

/** Hashes in one message. */
const mostRevoked = 1_000;

export interface Round {
  signer: Signer;
  configuration: Configuration;
  /** At which everything is as it is told now. */
  version: number;
}

export async function tellClient(
  { signer, configuration, version }: Round,
  ledger: Ledger<NetworkView>,
  { socket, seat, mode }: { socket: WebSocket; seat: TenantSeat<ClientAgent>; mode: Mode },
): Promise<void> {
  const told = mode === 'renew' ? { ...since(ledger, undefined), version } : since(ledger, seat.sent);
  const changed = Object.entries(told.set);
  if (mode === 'push' && told.kind === 'difference' && changed.length === 0 && told.unset.length === 0)
    return;

  const { principal, key, id: instance, jkt } = seat.agent;
  const expiresAt =
    configuration.keys.get(key)?.expiresAt ?? configuration.sessions.get(key)?.session.expiresAt ?? null;
  const until = expiresAt === null ? undefined : Math.floor(expiresAt / 1000);
  const bound = { principal, key, instance, jkt, version, until };
  const networks: Record<string, NetworkEntry | null> = {};
  for (const [network, { resources, connectors, withheld }] of changed) {
    const acl = await issueClientAcl(signer, { ...bound, network, resources });
    networks[network] = { acl, connectors, ...(withheld && { withheld }) };
  }
  for (const network of told.unset) networks[network] = null;
  const snapshot = told.kind === 'snapshot';
  const revoked = revokedConnectors(configuration);
  const acl = { version: told.version, snapshot, networks, ...(revoked.length > 0 && { revoked }) };
  if (tell(socket, { type: 'client_acl', ...acl })) {
    changeSeat(socket, { sent: told.version });
  }
}

/** What the Client may have missed while it was away. One that was enrolled anew with its key counts again. */
function revokedConnectors({ revocations, connectors }: Configuration): string[] {
  const live = new Set(connectors.map(({ hash }) => hash));
  const named = revocations.flatMap(({ subject }) => subject['connectors'] ?? []);
  return named.filter((hash) => !live.has(hash)).slice(-mostRevoked);
}
