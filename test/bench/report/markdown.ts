/** The table of a comparison for a page: a line per subject, a column per figure. */
import type { Column } from '../measure/measure.ts';
import { cell, ratioCell } from './print.ts';
import type { Result } from './result.ts';

export function markdownTable(result: Result, columns: Column[]): string {
  const subjects = Object.entries(result);
  const shown = columns.filter(({ key }) => subjects.some(([, { summaries }]) => summaries[key]));
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...subjects.map(([, { title }]) => title)]),
    row(['---', ...subjects.map(() => '---:')]),
    ...shown.map(({ key, title, unit, better }) =>
      row([
        `${title.trim()}, ${unit}${better === 'lower' ? ' (less is better)' : ''}`,
        ...subjects.map(([name, { summaries, ratio }]) => {
          const beside = name === 'direct' ? '' : ratioCell(ratio[key]);
          return `${cell(summaries[key])} ${beside}`.trim();
        }),
      ]),
    ),
  ].join('\n');
}
