/** Whether a Connector of the Remote Network would take the flow, and by which ACL. */
import { eq } from 'drizzle-orm';
import { connectors } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import type { Ask } from '../../admin-route.ts';
import { presentAgents } from '../../presence.ts';
import { relayNames, relaysOf } from '../../relay-names.ts';
import { connectorState } from '../connectors/state.ts';
import type { Finding } from './shape.ts';

export async function connectorFindings(
  ask: Ask,
  network: Id<'remoteNetwork'>,
): Promise<{ findings: Finding[]; alive: { id: string; name: string }[] }> {
  const [rows, present] = await Promise.all([
    ask.scope.select(connectors, { where: eq(connectors.remoteNetworkId, network) }),
    presentAgents(ask, 'connector'),
  ]);
  const relays = await relayNames(ask.ports, relaysOf(rows));
  const states = rows.map((row) => ({
    row,
    here: present.get(row.id),
    ...connectorState(row, { present: present.get(row.id), relays, nowMs: ask.now }),
  }));
  const alive = states.filter(({ state }) => state === 'alive');
  const each = states
    .map(({ row, state, state_reason: why }) => `${row.name} ${state.replaceAll('_', ' ')} (${why})`)
    .join('; ');
  if (alive.length === 0) {
    const detail =
      rows.length === 0 ? 'the Remote Network has no Connector' : `no Connector is alive: ${each}`;
    return { findings: [{ check: 'connector', ok: false, code: 'no_connector', detail }], alive: [] };
  }
  const holding = alive.filter(({ here }) => here!.aclVersion !== null);
  const versions = alive.map(({ row, here }) => `${row.name} holds ${here!.aclVersion ?? 'none'}`).join(', ');
  const detail = `version of the Connector ACL: ${versions}`;
  return {
    findings: [
      { check: 'connector', ok: true, detail: each },
      holding.length > 0
        ? { check: 'connector_acl', ok: true, detail }
        : { check: 'connector_acl', ok: false, code: 'acl_stale', detail },
    ],
    alive: alive.map(({ row: { id, name } }) => ({ id, name })),
  };
}
