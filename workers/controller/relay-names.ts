/**
 * What the relays are called to which Connectors are linked: the operator's names, where agents know ids. Relays belong
 * to no Tenant; of those that serve its Connectors it learns the name.
 */
import { type connectors, relays } from '#schema/db/tables.ts';
import { deploymentOf } from './deployment.ts';
import type { Ports } from './ports.ts';
import { among, type Row } from './scope.ts';

/** The name of the relay that the Controller itself is. */
const edge = 'edge';

/** @returns a relay's name by its id; one that has been deleted keeps its id. */
export async function relayNames(
  { database, settings }: Pick<Ports, 'database' | 'settings'>,
  linked: Pick<Row<typeof connectors>, 'relays'>[],
): Promise<(id: string) => string> {
  const ids = new Set(linked.flatMap(({ relays }) => (relays ?? []).map(({ relay }) => relay)));
  const names = new Map(settings.edgeRelays.map(({ id }) => [id, edge]));
  if ([...ids].some((id) => !names.has(id))) {
    const where = among(relays.id, [...ids]);
    const found = await deploymentOf(database).select(relays, { where, orderBy: [], limit: ids.size });
    for (const { id, name } of found) names.set(id, name);
  }
  return (id) => names.get(id) ?? id;
}
