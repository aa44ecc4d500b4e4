/**
 * What a Connector is told over its control channel: the signed difference to the ACL it holds, or the whole;
 * and, when it asks, a fresh registration for the relays.
 */
import type { AclEntry } from '#schema/acl/document.ts';
import { type Ledger, since } from '#schema/acl/ledger.ts';
import { issueConnectorAcl, issueRegistration } from '#workers/controller/agents/issue.ts';
import { changeSeat, tell } from './seat.ts';
import type { Round } from './tell-client.ts';
import type { ConnectorAgent, Mode, TenantSeat } from './update.ts';

export async function tellConnector(
  { signer, configuration }: Round,
  ledger: Ledger<AclEntry>,
  { socket, seat, mode }: { socket: WebSocket; seat: TenantSeat<ConnectorAgent>; mode: Mode },
): Promise<void> {
  const told = since(ledger, seat.sent);
  const stale = configuration.tenant.stalenessBudget;
  const nothing = told.kind === 'difference' && Object.keys(told.set).length === 0 && told.unset.length === 0;
  if (mode === 'push' && nothing && stale === seat.stale) return;

  const { id: connector, hash, jkt } = seat.agent;
  const { version, set, unset } = told;
  const base = told.kind === 'difference' ? { base: told.base } : {};
  const token = await issueConnectorAcl(signer, { connector, hash, stale, ...base, version, set, unset });
  if (!tell(socket, { type: 'connector_acl', token })) return;
  changeSeat(socket, { sent: version, stale });
  if (mode !== 'push') {
    tell(socket, { type: 'registration', token: await issueRegistration(signer, hash, jkt) });
  }
}
