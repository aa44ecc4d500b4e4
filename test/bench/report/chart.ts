/** Bars as SVG: a panel per figure, in it a bar per subject except the baseline, whose value stands in its title. */
import type { Column } from '../measure/measure.ts';
import type { Result } from './result.ts';
import { readable } from './statistics.ts';

const panel = { width: 460, bar: 18, gap: 6, head: 34, labels: 160, values: 70 };
const across = 2;

export function barChart(result: Result, columns: Column[]): string {
  const subjects = Object.entries(result).filter(([name]) => name !== 'direct');
  const height = panel.head + subjects.length * (panel.bar + panel.gap) + 16;
  const panels = columns.map((column, i) => {
    const [x, y] = [(i % across) * panel.width, Math.floor(i / across) * height];
    return `<g transform="translate(${x + 12} ${y + 8})">${onePanel(result, subjects, column)}</g>`;
  });
  const [w, h] = [panel.width * across + 12, height * Math.ceil(columns.length / across) + 8];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${panels.join('\n')}
</svg>
`;
}

function onePanel(result: Result, subjects: [string, Result[string]][], column: Column): string {
  const { key, title, unit, better } = column;
  const most = Math.max(...subjects.map(([, { summaries }]) => summaries[key]?.max ?? 0));
  const room = panel.width - panel.labels - panel.values - 24;
  const long = (value: number) => ((value / most) * room).toFixed(1);
  const baseline = better && result['direct']?.summaries[key];
  const beside = baseline ? `; direct ${readable(baseline.median)}` : '';
  const bars = subjects.map(([name, { title: label, summaries }], i) => {
    const y = panel.head + i * (panel.bar + panel.gap);
    const middle = y + panel.bar / 2;
    const at = `y="${middle}" dominant-baseline="central"`;
    const summary = summaries[key];
    const text = `<text x="${panel.labels - 6}" ${at} text-anchor="end">${label}</text>`;
    if (!summary) return `${text}<text x="${panel.labels}" ${at} fill="#888">–</text>`;
    const [from, to] = [summary.min, summary.max].map((value) => panel.labels + Number(long(value)));
    return `${text}<rect x="${panel.labels}" y="${y}" width="${long(summary.median)}" height="${panel.bar}" fill="${name === 'sallyport' ? '#2563eb' : '#9ca3af'}"/><path d="M${from} ${middle}H${to}" stroke="#111"/><text x="${panel.labels + room + 8}" ${at}>${readable(summary.median)}</text>`;
  });
  const goal = better === 'higher' ? 'more is better' : 'less is better';
  return `<text y="14" font-weight="bold">${title.trim()}, ${unit}</text><text y="28" fill="#555" font-size="11">${goal}${beside}</text>${bars.join('')}`;
}
