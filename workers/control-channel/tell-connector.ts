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

/** Characters of entries in one message: signed and in base64 it stays below `messageLimit`. */
const entriesAtOnce = 700 * 1024;

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
  const { version, unset } = told;
  const [first, ...more] = inMessages(told.set);
  const base = told.kind === 'difference' ? { base: told.base } : {};
  const parts = [
    { ...base, set: first ?? {}, unset },
    ...more.map((set) => ({ base: version, set, unset: [] })),
  ];
  for (const part of parts) {
    const token = await issueConnectorAcl(signer, { connector, hash, stale, version, ...part });
    if (!tell(socket, { type: 'connector_acl', token })) return;
  }
  changeSeat(socket, { sent: version, stale });
  if (mode !== 'push') {
    tell(socket, { type: 'registration', token: await issueRegistration(signer, hash, jkt) });
  }
}

/** What is too long for one message follows in differences that start and end at the same version. */
function inMessages(set: Record<string, AclEntry>): Record<string, AclEntry>[] {
  const parts: Record<string, AclEntry>[] = [];
  let room = 0;
  for (const [key, entry] of Object.entries(set)) {
    const length = key.length + JSON.stringify(entry).length;
    if (parts.length === 0 || length > room) {
      parts.push({});
      room = entriesAtOnce;
    }
    parts.at(-1)![key] = entry;
    room -= length;
  }
  return parts;
}
