/** The table of a comparison: a line per figure, a pair of columns per subject. */
import type { Column } from '../measure/measure.ts';
import type { Result } from './result.ts';
import { readable, type Summary } from './statistics.ts';
import { table } from './table.ts';

export function printable(result: Result, columns: Column[]): string {
  const subjects = Object.entries(result);
  const head = [
    'median (least–most)',
    '',
    ...subjects.flatMap(([name, { title }]) => (name === 'direct' ? [title] : [title, 'ratio'])),
    '',
  ];
  const lines = columns
    .filter(({ key }) => subjects.some(([, one]) => one.summaries[key]))
    .map((column) => [
      column.title,
      column.unit,
      ...subjects.flatMap(([name, one]) => {
        const figure = cell(one.summaries[column.key]);
        return name === 'direct' ? [figure] : [figure, ratioCell(one.ratio[column.key])];
      }),
      column.better === 'lower' ? 'less is better' : '',
    ]);
  const notes = subjects.flatMap(([, { title, errors, disturbed }]) => [
    ...errors.map((error) => `! ${title}: ${error}`),
    ...(disturbed.length > 0 ? [`! ${title}: others used the machine during ${disturbed.join(', ')}`] : []),
  ]);
  return [table([head, ...lines]), ...notes].join('\n');
}

export function cell(summary: Summary | undefined): string {
  if (!summary) return '–';
  const { median, min, max } = summary;
  if (min === max) return readable(median);
  return `${readable(median)} (${readable(min)}–${readable(max)})`;
}

export const ratioCell = (ratio: number | undefined) =>
  ratio === undefined ? '' : `× ${Number(ratio.toPrecision(2))}`;
