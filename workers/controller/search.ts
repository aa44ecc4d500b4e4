/** A search in lists of people and things: the text is found anywhere in any of the columns, whatever its case. */
import { or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';

/** @returns undefined where nothing is searched for. */
export const containing = (text: string | undefined, ...columns: SQLiteColumn[]): SQL | undefined =>
  text === undefined || text === ''
    ? undefined
    : or(...columns.map((column) => sql`instr(lower(${column}), ${text.toLowerCase()}) > 0`));
