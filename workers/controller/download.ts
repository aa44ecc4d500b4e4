/**
 * A list as a file: CSV (RFC 4180) or JSON, page by page as the reader takes it, so that neither a long list
 * nor a slow reader fills any memory. A cell that a spreadsheet would take for a formula is made text.
 */
import { z } from '@hono/zod-openapi';

export const downloadQuery = z.object({ format: z.enum(['csv', 'json']).default('csv') });
export const downloadTypes = ['text/csv', 'application/json'] as const;

/** Rows of one download; the rest is had by a narrower span of time. */
const mostRows = 100_000;
/** Rows asked for at once. */
export const downloadPage = 1_000;

type Cell = string | number | null;
export interface Download {
  /** Without its ending. */
  name: string;
  format: 'csv' | 'json';
  columns: readonly string[];
  /** Rows of at most `downloadPage`, in order, until there are none left. */
  pages: AsyncIterator<Record<string, unknown>[]>;
}

export function download({ name, format, columns, pages }: Download): Response {
  const write = format === 'csv' ? csv(columns) : json(columns);
  const encoder = new TextEncoder();
  let [rows, begun] = [0, false];
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const start = begun ? '' : write.head;
        begun = true;
        const next = rows < mostRows ? await pages.next() : { done: true as const, value: undefined };
        const page = next.done ? [] : next.value;
        const text = start + page.map((row, at) => write.row(row, rows + at === 0)).join('');
        rows += page.length;
        const over = page.length === 0;
        controller.enqueue(encoder.encode(over ? text + write.foot : text));
        if (over) controller.close();
      },
      async cancel() {
        await pages.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      'content-type': write.type,
      'content-disposition': `attachment; filename="${name}.${format}"`,
      'x-content-type-options': 'nosniff',
    },
  });
}

const csv = (columns: readonly string[]) => ({
  type: 'text/csv; charset=utf-8; header=present',
  head: record(columns),
  row: (row: Record<string, unknown>) => record(columns.map((column) => cellOf(row[column]))),
  foot: '',
});

const json = (columns: readonly string[]) => ({
  type: 'application/json',
  head: '[',
  row: (row: Record<string, unknown>, first: boolean) => {
    const chosen = Object.fromEntries(columns.map((column) => [column, row[column] ?? null]));
    return `${first ? '\n' : ',\n'}${JSON.stringify(chosen)}`;
  },
  foot: '\n]\n',
});

const cellOf = (value: unknown): Cell =>
  value === null || value === undefined
    ? null
    : typeof value === 'string' || typeof value === 'number'
      ? value
      : JSON.stringify(value);

const record = (cells: readonly Cell[]): string => `${cells.map(escaped).join(',')}\r\n`;

function escaped(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = /^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n\t']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
