/**
 * Passes an order to cut on to the relay that lives beside the Controller. It has no control channel: each
 * Connector that is met there has an object of its own, which is told directly.
 */
import { sql } from 'drizzle-orm';
import type { FromControllerOf } from '#schema/control/messages.ts';
import { connectors } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import type { Ports, RevocationReceipt } from '#workers/controller/ports.ts';
import { scopeOf } from '#workers/controller/scope.ts';
import type { Bindings } from './bindings.ts';

/** The edge relay's entry in the list that agents get. */
export const edgeRelayId = 'rel_edge';

/** Objects asked at the same time. */
const abreast = 50;

/** @returns one entry for all objects; none where no Connector of the Tenant is met at the edge. */
export async function cutAtEdge(
  objects: Bindings['RELAY'],
  { database, clock }: Pick<Ports, 'database' | 'clock'>,
  tenant: Id<'tenant'>,
  { jkts, connectors: hashes }: FromControllerOf<'revoke'>,
): Promise<RevocationReceipt['agents']> {
  if (jkts.length === 0 && hashes.length === 0) return [];
  const orderedAt = clock();
  const met = await scopeOf(database, tenant).select(connectors, {
    where: sql`exists (select 1 from json_each(${connectors.relays})
                       where json_extract(value, '$.relay') = ${edgeRelayId}
                       and json_extract(value, '$.state') = 'connected')`,
  });
  if (met.length === 0) return [];
  const named = [...new Set([...met.flatMap(({ hash }) => hash ?? []), ...hashes])];
  let tunnelsCut = 0;
  for (let at = 0; at < named.length; at += abreast) {
    const asked = named.slice(at, at + abreast).map(async (hash) => {
      const { sessions } = await objects.getByName(hash).revoke({ jkts, connectors: hashes });
      return sessions;
    });
    for (const sessions of await Promise.all(asked)) tunnelsCut += sessions;
  }
  const ms = clock() - orderedAt;
  return [{ role: 'relay', id: edgeRelayId, confirmed: true, flowsCut: 0, tunnelsCut, ms }];
}
