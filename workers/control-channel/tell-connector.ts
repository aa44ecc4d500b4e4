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
  const sets = inMessages(told.set);
  const from = told.kind === 'difference' ? { base: told.base } : {};
  for (const [at, set] of sets.entries()) {
    const part = {
      ...(at === 0 ? from : { base: unfinished(at) }),
      version: at === sets.length - 1 ? version : unfinished(at + 1),
      set,
      unset: at === 0 ? unset : [],
    };
    const token = await issueConnectorAcl(signer, { connector, hash, stale, ...part });
    if (!tell(socket, { type: 'connector_acl', token })) return;
  }
  changeSeat(socket, { sent: version, stale });
  if (mode !== 'push') {
    tell(socket, { type: 'registration', token: await issueRegistration(signer, hash, jkt) });
  }
}

/** The version of what has come in part, below any that a ledger knows: who says that it holds it gets the whole. */
const unfinished = (parts: number): number => -parts;

/** At least one. What is too long for one message follows in differences; what takes away comes first. */
function inMessages(set: Record<string, AclEntry>): Record<string, AclEntry>[] {
  const parts: Record<string, AclEntry>[] = [{}];
  let room = entriesAtOnce;
  const isResource = ([, { kind }]: [string, AclEntry]) => Number(kind === 'resource');
  for (const [key, entry] of Object.entries(set).sort((a, b) => isResource(a) - isResource(b))) {
    const length = key.length + JSON.stringify(entry).length;
    if (length > room) {
      parts.push({});
      room = entriesAtOnce;
    }
    parts.at(-1)![key] = entry;
    room -= length;
  }
  return parts;
}
