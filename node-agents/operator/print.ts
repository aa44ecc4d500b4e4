/**
 * Prints an answer: a table or `name: value` lines for a person, the answer itself as JSON for a program.
 */
import type { Output } from './run.ts';

export function print(answer: unknown, columns: string[] | undefined, json: boolean, out: Output): void {
  if (answer === undefined) return out.write(json ? '' : 'done\n');
  if (json) return out.write(`${JSON.stringify(answer, null, 2)}\n`);
  const items = (answer as { items?: Record<string, unknown>[] }).items;
  if (items && columns) {
    out.write(table(items, columns));
    const next = (answer as { next_cursor?: string | null }).next_cursor;
    if (next) out.write(`more: --cursor ${next}\n`);
    return;
  }
  for (const [name, value] of Object.entries(answer as Record<string, unknown>))
    out.write(`${name}: ${text(value)}\n`);
}

function table(items: Record<string, unknown>[], columns: string[]): string {
  if (items.length === 0) return 'nothing\n';
  const rows = [
    columns.map((name) => name.toUpperCase()),
    ...items.map((item) => columns.map((name) => text(item[name]))),
  ];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const text = (value: unknown): string =>
  value === null || value === undefined
    ? '-'
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
