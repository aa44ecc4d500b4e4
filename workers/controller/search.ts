/** A search in lists: the text is found anywhere in any of the columns, whatever its case. */
import { and, eq, or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { OwnedTable, Scope } from './scope.ts';

/** @returns undefined where nothing is searched for. */
export const containing = (text: string | undefined, ...columns: SQLiteColumn[]): SQL | undefined =>
  text === undefined || text === ''
    ? undefined
    : or(...columns.map((column) => sql`instr(lower(${column}), ${text.toLowerCase()}) > 0`));

/** The column names a row in which the text is found; all of it is the Tenant's. */
export const naming = (
  { tenantId }: Pick<Scope, 'tenantId'>,
  column: SQLiteColumn,
  table: OwnedTable & { id: SQLiteColumn },
  found: SQL,
): SQL =>
  sql`${column} in (select ${table.id} from ${table} where ${and(eq(table.tenantId, tenantId), found)})`;
