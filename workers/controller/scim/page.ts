/** One page of a list as SCIM asks for it (RFC 7644 §3.4.2.4): from `startIndex`, counted from 1, `count` of them. */
import { asc, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { OwnedTable, Row } from '../scope.ts';
import { listSchema, type ScimAsk } from './answer.ts';

const usual = 100;
export const mostAtOnce = 500;

export async function scimPage<T extends OwnedTable & { id: SQLiteColumn }>(
  { c, scope }: ScimAsk,
  table: T,
  where: SQL | undefined,
  show: (rows: Row<T>[]) => Promise<object[]>,
): Promise<object> {
  const startIndex = Math.max(1, whole(c.req.query('startIndex'), 1));
  const count = Math.min(mostAtOnce, Math.max(0, whole(c.req.query('count'), usual)));
  const totalResults = await scope.count(table, where);
  const rows =
    count === 0
      ? []
      : await scope.select(table, { where, orderBy: [asc(table.id)], limit: count, offset: startIndex - 1 });
  return {
    schemas: [listSchema],
    totalResults,
    startIndex,
    itemsPerPage: rows.length,
    Resources: await show(rows),
  };
}

function whole(text: string | undefined, otherwise: number): number {
  const number = Number(text);
  return text !== undefined && Number.isInteger(number) ? number : otherwise;
}
