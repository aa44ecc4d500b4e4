/**
 * What ids are called: lists of what happened name many things by their ids, and whoever reads them wants
 * names. What was deleted since has none.
 */
import { type SQL, sql } from 'drizzle-orm';
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
import type { OwnedTable, Scope } from './scope.ts';

type Named = { table: OwnedTable & { id: SQLiteColumn }; name: SQL };
const named = (table: Named['table'] & { name: SQLiteColumn }): Named => ({
  table,
  name: sql`${table.name}`,
});

const kinds: Partial<Record<Noun, Named>> = {
  remoteNetwork: named(remoteNetworks),
  connector: named(connectors),
  resource: named(resources),
  serviceAccount: named(serviceAccounts),
  serviceKey: named(serviceKeys),
  instance: { table: instances, name: sql`${instances.hostname}` },
  user: { table: users, name: sql`coalesce(${users.name}, ${users.userName})` },
  group: named(groups),
  policy: named(policies),
  apiToken: named(apiTokens),
};
const byPrefix = new Map(
  Object.entries(kinds).map(([noun, kind]) => [idPrefixes[noun as Noun] as string, kind]),
);

/** @returns id → name; an id without a name is absent. */
export async function namesOf(scope: Scope, ids: Iterable<string | null>): Promise<Record<string, string>> {
  const known = [...new Set(ids)].filter((id) => id !== null);
  const parts = [...Map.groupBy(known, (id) => byPrefix.get(id.slice(0, 3)))];
  const found = await scope.names(parts.flatMap(([kind, ids]) => (kind ? [{ ...kind, ids }] : [])));
  return Object.fromEntries(
    Object.entries(found).flatMap(([id, name]) => (name === null ? [] : [[id, name]])),
  );
}
