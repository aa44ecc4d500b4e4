/**
 * What relays are called by the operator, where agents know ids. Relays belong to no Tenant; of those that its Connectors
 * are linked to, or that its flows took, it learns the name.
 */
import { type connectors, relays } from '#schema/db/tables.ts';
import { deploymentOf } from './deployment.ts';
import type { Ports } from './ports.ts';
import { among, type Row } from './scope.ts';

/** The name of the relay that the Controller itself is. */
const edge = 'edge';

/** @returns id → name; a relay that has been deleted has none. */
export async function relayNames(
  { database, settings }: Pick<Ports, 'database' | 'settings'>,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, string>> {
  const asked = new Set(ids);
  const names = new Map(settings.edgeRelays.map(({ id }) => [id, edge]));
  if ([...asked].some((id) => !names.has(id))) {
    const where = among(relays.id, [...asked]);
    const found = await deploymentOf(database).select(relays, { where, orderBy: [], limit: asked.size });
    for (const { id, name } of found) names.set(id, name);
  }
  return names;
}

export const relaysOf = (rows: Pick<Row<typeof connectors>, 'relays'>[]): string[] =>
  rows.flatMap(({ relays }) => (relays ?? []).map(({ relay }) => relay));
