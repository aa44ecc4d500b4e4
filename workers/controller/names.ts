/**
 * What ids are called: lists of what happened name many things by their ids, and whoever reads them wants
 * names. What was deleted since has none.
 */
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import {
  apiTokens,
  connectors,
  groups,
  instances,
  policies,
  remoteNetworks,
  resources,
  serviceAccounts,
  serviceKeys,
  users,
} from '#schema/db/tables.ts';
import { idPrefixes, type Noun } from '#schema/ids.ts';
import { among, type OwnedTable, type Row, type Scope } from './scope.ts';

interface Named {
  table: OwnedTable & { id: SQLiteColumn };
  name(row: never): string | null;
}

const named = <T extends OwnedTable & { id: SQLiteColumn }>(
  table: T,
  name: (row: Row<T>) => string | null,
): Named => ({ table, name: name as Named['name'] });

const kinds: Partial<Record<Noun, Named>> = {
  remoteNetwork: named(remoteNetworks, ({ name }) => name),
  connector: named(connectors, ({ name }) => name),
  resource: named(resources, ({ name }) => name),
  serviceAccount: named(serviceAccounts, ({ name }) => name),
  serviceKey: named(serviceKeys, ({ name }) => name),
  instance: named(instances, ({ hostname }) => hostname),
  user: named(users, ({ name, userName }) => name ?? userName),
  group: named(groups, ({ name }) => name),
  policy: named(policies, ({ name }) => name),
  apiToken: named(apiTokens, ({ name }) => name),
};
const byPrefix = new Map(
  Object.entries(kinds).map(([noun, kind]) => [idPrefixes[noun as Noun] as string, kind]),
);

/** One query for each kind of thing among the ids. @returns id → name; an id without a name is absent. */
export async function namesOf(scope: Scope, ids: Iterable<string | null>): Promise<Record<string, string>> {
  const known = [...new Set(ids)].filter((id) => id !== null);
  const groups = [...Map.groupBy(known, (id) => byPrefix.get(id.slice(0, 3)))];
  const found = groups.map(async ([kind, some]): Promise<[string, string][]> => {
    if (!kind) return [];
    const rows = await scope.select(kind.table, { where: among(kind.table.id, some) });
    return rows.flatMap((row): [string, string][] => {
      const name = kind.name(row as never);
      return name === null ? [] : [[(row as { id: string }).id, name]];
    });
  });
  return Object.fromEntries((await Promise.all(found)).flat());
}
