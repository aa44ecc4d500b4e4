/**
 * The only way to the tables that a Tenant owns. Every query made here carries the Tenant, so that a route
 * cannot forget it, and an id of another Tenant is simply not found. Routes get a scope and no database.
 */
import { and, asc, count, eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { tenants } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import type { Database } from './ports.ts';

/** A table whose rows say which Tenant they belong to. */
export type OwnedTable = SQLiteTable & { tenantId: SQLiteColumn };
export type Row<T extends SQLiteTable> = T['$inferSelect'];
type New<T extends OwnedTable> = Omit<T['$inferInsert'], 'tenantId'>;
type Changes<T extends OwnedTable> = Partial<{
  [Column in keyof New<T>]: New<T>[Column] | SQL;
}>;

export type Statement = BatchItem<'sqlite'>;
export type Scope = ReturnType<typeof scopeOf>;

export function scopeOf(database: Database, tenantId: Id<'tenant'>) {
  const owned = (table: OwnedTable, where?: SQL): SQL => and(eq(table.tenantId, tenantId), where)!;

  return {
    tenantId,

    async select<T extends OwnedTable>(
      table: T,
      o: { where?: SQL | undefined; orderBy?: SQL[]; limit?: number; offset?: number } = {},
    ): Promise<Row<T>[]> {
      const query = database
        .select()
        .from(table as OwnedTable)
        .where(owned(table, o.where))
        .orderBy(...(o.orderBy ?? []));
      if (o.limit === undefined) return (await query) as Row<T>[];
      return (await query.limit(o.limit).offset(o.offset ?? 0)) as Row<T>[];
    },

    async find<T extends OwnedTable>(table: T, where: SQL): Promise<Row<T> | undefined> {
      return (await this.select(table, { where, limit: 1 }))[0];
    },

    /** @param id as it was asked for: anything that is no id of this Tenant's finds nothing. */
    async byId<T extends OwnedTable & { id: SQLiteColumn }>(
      table: T,
      id: string,
    ): Promise<Row<T> | undefined> {
      return this.find(table, eq(table.id, id));
    },

    /** Rows of `left` with the row of `right` that `on` finds; both are the Tenant's. */
    async join<L extends OwnedTable, R extends OwnedTable>(
      left: L,
      right: R,
      on: SQL,
      where?: SQL,
    ): Promise<{ left: Row<L>; right: Row<R> }[]> {
      const rows = await database
        .select({
          left: getTableColumns(left as OwnedTable),
          right: getTableColumns(right as OwnedTable),
        })
        .from(left as OwnedTable)
        .innerJoin(right as OwnedTable, and(on, eq(right.tenantId, tenantId)))
        .where(owned(left, where));
      return rows as unknown as { left: Row<L>; right: Row<R> }[];
    },

    async count(table: OwnedTable, where?: SQL): Promise<number> {
      return (await database.select({ rows: count() }).from(table).where(owned(table, where)))[0]?.rows ?? 0;
    },

    /** How many rows there are for each value of a column; a value without rows is absent. */
    async countBy(table: OwnedTable, column: SQLiteColumn, where?: SQL): Promise<Map<string, number>> {
      const rows = await database
        .select({ value: sql<string>`${column}`, rows: count() })
        .from(table)
        .where(owned(table, where))
        .groupBy(column)
        .orderBy(asc(column));
      return new Map(rows.map(({ value, rows }) => [value, rows]));
    },

    /** What the rows of each combination of values come to. */
    async tally<V extends Record<string, SQL<unknown> | SQLiteColumn>, A extends Record<string, SQL<number>>>(
      table: OwnedTable,
      by: V,
      amounts: A,
      o: { where?: SQL | undefined; orderBy?: SQL[]; limit?: number } = {},
    ): Promise<
      ({ [K in keyof V]: V[K] extends SQL<infer T> ? T : string | null } & { [K in keyof A]: number })[]
    > {
      const query = database
        .select({ ...by, ...amounts })
        .from(table)
        .where(owned(table, o.where))
        .groupBy(...Object.values(by))
        .orderBy(...(o.orderBy ?? []));
      return (await (o.limit === undefined ? query : query.limit(o.limit))) as never;
    },

    /** How far the Tenant's rows in this table go, in the order in which they were stored; 0: none. */
    async lastStored(table: OwnedTable): Promise<number> {
      const rowid = rowidOf(table);
      const [row] = await database
        .select({ place: rowid })
        .from(table)
        .where(owned(table))
        .orderBy(sql`${rowid} desc`)
        .limit(1);
      return row?.place ?? 0;
    },

    /** What was stored behind one place, up to and with another, in that order. */
    async storedBetween<T extends OwnedTable>(
      table: T,
      { after, last, limit }: { after: number; last: number; limit: number },
      where?: SQL,
    ): Promise<{ place: number; row: Row<T> }[]> {
      const rowid = rowidOf(table);
      const rows = await database
        .select({ place: rowid, row: getTableColumns(table as OwnedTable) })
        .from(table as OwnedTable)
        .where(owned(table, and(sql`${rowid} > ${after} and ${rowid} <= ${last}`, where)))
        .orderBy(rowid)
        .limit(limit);
      return rows as unknown as { place: number; row: Row<T> }[];
    },

    /** Names by their ids, out of several tables in one question. */
    async names(
      parts: readonly { table: OwnedTable & { id: SQLiteColumn }; name: SQL; ids: readonly string[] }[],
    ): Promise<Record<string, string | null>> {
      if (parts.length === 0) return {};
      const each = parts.map(
        ({ table, name, ids }, at) =>
          sql`(select json_group_object(${table.id}, ${name}) from ${table} where ${owned(table, among(table.id, ids))}) as ${sql.identifier(`part${at}`)}`,
      );
      const [row] = await database.all<Record<string, string>>(sql`select ${sql.join(each, sql`, `)}`);
      return Object.assign({}, ...Object.values(row ?? {}).map((part) => JSON.parse(part)));
    },

    insert<T extends OwnedTable>(table: T, ...rows: [New<T>, ...New<T>[]]) {
      return database.insert(table).values(rows.map((row) => ({ ...row, tenantId })) as never);
    },

    update<T extends OwnedTable>(table: T, changes: Changes<T>, where: SQL) {
      return database
        .update(table)
        .set(changes as never)
        .where(owned(table, where));
    },

    delete(table: OwnedTable, where: SQL) {
      return database.delete(table).where(owned(table, where));
    },

    async tenant(): Promise<Row<typeof tenants>> {
      const [row] = await database.select().from(tenants).where(eq(tenants.id, tenantId));
      if (!row) throw new Error('the scope’s Tenant is gone');
      return row;
    },

    updateTenant(changes: Partial<Omit<Row<typeof tenants>, 'id' | 'slug'>>) {
      return database.update(tenants).set(changes).where(eq(tenants.id, tenantId));
    },

    /** In one batch with whatever agents are told: one version must never mean two things. */
    raiseVersion() {
      const configVersion = sql`${tenants.configVersion} + 1`;
      return database.update(tenants).set({ configVersion }).where(eq(tenants.id, tenantId));
    },

    /** All or nothing, in order. */
    async batch(statements: [Statement, ...Statement[]]): Promise<void> {
      await database.batch(statements);
    },
  };
}

/** `column in (…)` for any number of values: D1 takes 100 parameters a statement, and this is one. */
export const among = (column: SQLiteColumn, values: readonly string[]): SQL =>
  sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;

/** SQLite's own number of a row: it grows with each that is stored. */
const rowidOf = (table: OwnedTable) => sql<number>`${table}.rowid`;
