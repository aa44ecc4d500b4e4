/** The table of a comparison for a page: a line per subject, a column per figure. */
import type { Column } from '../measure/measure.ts';
import { cell, ratioCell } from './print.ts';
import type { Result } from './result.ts';

export function markdownTable(result: Result, columns: Column[]): string {
  const subjects = Object.values(result);
  const shown = columns.filter(({ key }) => subjects.some(({ summaries }) => summaries[key]));
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...subjects.map(({ title }) => title)]),
    row(['---', ...subjects.map(() => '---:')]),
    ...shown.map(({ key, title, unit, better }) =>
      row([
        `${title.trim()}, ${unit}${better === 'lower' ? ' (less is better)' : ''}`,
        ...subjects.map(({ summaries, ratio }) => `${cell(summaries[key])} ${ratioCell(ratio[key])}`.trim()),
      ]),
    ),
  ].join('\n');
}
