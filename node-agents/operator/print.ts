/**
 * Prints an answer: tables and `name: value` lines for a person, the answer itself as JSON for a program.
 */
import type { Host } from './command.ts';

type Fields = Record<string, unknown>;

export function print(
  answer: unknown,
  columns: string[] | undefined,
  json: boolean,
  host: Pick<Host, 'write'>,
): void {
  if (json) return host.write(`${JSON.stringify(answer ?? null, null, 2)}\n`);
  if (answer === undefined) return host.write('done\n');
  const { items, next_cursor: next } = answer as { items?: Fields[]; next_cursor?: string | null };
  if (items && columns) {
    host.write(items.length === 0 ? 'nothing\n' : table(items, columns));
    if (next) host.write(`more: --cursor ${next}\n`);
    return;
  }
  host.write(block(answer as Fields, ''));
}

/** @returns one line for each item, below a line of titles. */
export const table = (items: Fields[], columns: string[]): string =>
  lines([titlesOf(columns), ...cellsOf(items, columns)], []);

/** A table that goes on: its columns are never narrower than what they have held. */
export function growingTable(columns: string[]): { titles(): string; rows(items: Fields[]): string } {
  const widths: number[] = [];
  return {
    titles: () => lines([titlesOf(columns)], widths),
    rows: (items) => lines(cellsOf(items, columns), widths),
  };
}

const titlesOf = (columns: string[]): string[] => columns.map((name) => name.toUpperCase());

const cellsOf = (items: Fields[], columns: string[]): string[][] =>
  items.map((item) => columns.map((name) => text(at(item, name))));

/** @param widths of the columns; grown to what these rows need. */
function lines(rows: string[][], widths: number[]): string {
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const line = (row: string[]) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** One line for each field; what is inside a field is indented below its name. */
function block(fields: Fields, indent: string): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      const inside = insideOf(value, `${indent}  `);
      return inside === undefined ? `${indent}${name}: ${text(value)}\n` : `${indent}${name}:\n${inside}`;
    })
    .join('');
}

function insideOf(value: unknown, indent: string): string | undefined {
  if (Array.isArray(value)) {
    if (!value.some((one) => isFields(one) && !isRange(one))) return undefined;
    const columns = [...new Set(value.flatMap((item) => Object.keys(item as Fields)))];
    return table(value as Fields[], columns).replaceAll(/^(?=.)/gm, indent);
  }
  return isFields(value) && Object.keys(value).length > 0 ? block(value, indent) : undefined;
}

const at = (item: Fields, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (value as Fields | undefined)?.[name], item);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isRange = (value: Fields): boolean => 'from' in value && 'to' in value;

const range = ({ from, to }: Fields): string => (from === to ? `${from}` : `${from}-${to}`);

/** Agents chose some of it, such as host names: nothing in it may steer a terminal. */
const text = (value: unknown): string => plain(value).replaceAll(/\p{Cc}/gu, '\u{fffd}');

function plain(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value)) {
    const parts = value.map((one) => (isFields(one) && isRange(one) ? range(one) : plain(one)));
    return parts.length === 0 ? '-' : parts.join(',');
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
