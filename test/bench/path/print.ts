/** The table of the path benchmark: a line per figure, a pair of columns per subject. */
import { readable, type Summary } from '../report/statistics.ts';
import { table } from '../report/table.ts';
import type { Column, SubjectName } from './measure.ts';
import type { Result, SubjectResult } from './result.ts';

const titles: Record<SubjectName, string> = {
  direct: 'direct',
  node_relay: 'Node relay',
  edge_relay: 'edge relay',
};

export function printable(result: Result, columns: Column[]): string {
  const subjects = Object.entries(result) as [SubjectName, SubjectResult][];
  const head = [
    'median (least–most)',
    '',
    ...subjects.flatMap(([name]) => (name === 'direct' ? [titles[name]] : [titles[name], 'ratio'])),
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
  const errors = subjects.flatMap(([name, one]) => one.errors.map((error) => `! ${titles[name]}: ${error}`));
  return [table([head, ...lines]), ...errors].join('\n');
}

function cell(summary: Summary | undefined): string {
  if (!summary) return '–';
  const { median, min, max } = summary;
  if (min === max) return readable(median);
  return `${readable(median)} (${readable(min)}–${readable(max)})`;
}

const ratioCell = (ratio: number | undefined) =>
  ratio === undefined ? '' : `× ${Number(ratio.toPrecision(2))}`;
