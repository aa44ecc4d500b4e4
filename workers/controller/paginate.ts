/**
 * Lists in pages: `limit` and an opaque `cursor` in, `{ items, next_cursor }` out. A cursor is the place of
 * the last row seen, so that a page stays right while rows come and go; it is no secret, because the scope
 * bounds every query anyway.
 */
import { z } from '@hono/zod-openapi';
import { and, asc, desc, gt, gte, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { refuse, type Verdict } from '#schema/errors.ts';
import { instant } from './fields.ts';
import type { Row } from './scope.ts';
import { base64url, fromBase64url } from './secret.ts';

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(512).optional().openapi({ description: '`next_cursor` of the page before.' }),
  q: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'Only what has this text in its name or what else it is known by.' }),
});
export type PageQuery = z.infer<typeof pageQuery>;

/** The part of a query that bounds lists of what happened. */
export const span = {
  since: instant.optional().openapi({ description: 'From this time on.' }),
  until: instant.optional().openapi({ description: 'Before this time.' }),
};

export const between = (
  at: SQLiteColumn,
  { since, until }: { since?: string | undefined; until?: string | undefined },
): SQL[] => [
  ...(since === undefined ? [] : [gte(at, Date.parse(since))]),
  ...(until === undefined ? [] : [lt(at, Date.parse(until))]),
];

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });

export interface Page<R> {
  rows: R[];
  next_cursor: string | null;
}

/** Where rows come from: a Tenant's scope, or the deployment. */
interface Source<T extends SQLiteTable> {
  select(table: T, o: { where?: SQL | undefined; orderBy: SQL[]; limit: number }): Promise<Row<T>[]>;
}

/** Oldest first, by id. */
export async function page<T extends SQLiteTable & { id: SQLiteColumn }>(
  source: Source<NoInfer<T>>,
  table: T,
  { limit, cursor }: PageQuery,
  where?: SQL,
): Promise<Verdict<Page<Row<T>>, 'bad_request'>> {
  const place = readCursor(cursor, z.tuple([z.string()]));
  if (!place.ok) return place;
  const rows = await source.select(table, {
    where: and(where, place.at && gt(table.id, place.at[0])),
    orderBy: [asc(table.id)],
    limit: limit + 1,
  });
  return cut(rows, limit, (row) => [(row as { id: string }).id]);
}

/** Newest first, by `at`, then id. */
export async function newestPage<T extends SQLiteTable & { id: SQLiteColumn; at: SQLiteColumn }>(
  source: Source<NoInfer<T>>,
  table: T,
  { limit, cursor }: PageQuery,
  where?: SQL,
): Promise<Verdict<Page<Row<T>>, 'bad_request'>> {
  const place = readCursor(cursor, z.tuple([z.number(), z.string()]));
  if (!place.ok) return place;
  const after =
    place.at && or(lt(table.at, place.at[0]), and(lte(table.at, place.at[0]), lt(table.id, place.at[1])));
  const rows = await source.select(table, {
    where: and(where, after),
    // The sign keeps SQLite from taking an index for its order alone where another one finds the rows.
    orderBy: [desc(table.at), sql`+${table.id} desc`],
    limit: limit + 1,
  });
  return cut(rows, limit, (row) => {
    const { at, id } = row as { at: number; id: string };
    return [at, id];
  });
}

function cut<R>(rows: R[], limit: number, placeOf: (row: R) => unknown[]): { ok: true } & Page<R> {
  if (rows.length <= limit) return { ok: true, rows, next_cursor: null };
  const kept = rows.slice(0, limit);
  const place = new TextEncoder().encode(JSON.stringify(placeOf(kept.at(-1)!)));
  return { ok: true, rows: kept, next_cursor: base64url(place) };
}

function readCursor<T extends z.ZodType>(
  cursor: string | undefined,
  shape: T,
): Verdict<{ at: z.output<T> | undefined }, 'bad_request'> {
  if (cursor === undefined) return { ok: true, at: undefined };
  try {
    return { ok: true, at: shape.parse(JSON.parse(new TextDecoder().decode(fromBase64url(cursor)))) };
  } catch {
    return refuse('bad_request', 'the cursor is not one that was given out: start without');
  }
}
