/** What a whole run brought, kept beside this benchmark: a page with a table, a chart, every single row. */
import { mkdir, writeFile } from 'node:fs/promises';
import type { Compared, Conclusion } from '../measure/compare.ts';
import { plainTls } from '../path/subjects.ts';
import { barChart } from '../report/chart.ts';
import { flameChart } from '../report/flame.ts';
import { markdownTable } from '../report/markdown.ts';
import { hottest, type Profiled } from '../report/profile.ts';
import type { Result } from '../report/result.ts';
import { summarise } from '../report/statistics.ts';

const folder = new URL('../results/', import.meta.url);

/** As the JSON line calls the figures, and what the chart shows. */
const figures: Record<string, string> = {
  down1: 'throughput_down_1',
  up1: 'throughput_up_1',
  down8: 'throughput_down_8',
  up8: 'throughput_up_8',
  rps64: 'requests_connect',
  p50_us: 'latency_connect_p50',
  p99_us: 'latency_connect_p99',
  beside_p99_us: 'beside_p99',
  new_per_s: 'new_flows',
  cpu_s_per_gb: 'cpu_between',
};

const unrelayed = new Set(['direct', plainTls.name]);

export async function keepResults(compared: Compared): Promise<Conclusion> {
  const json = { subjects: subjectsOf(compared.result) };
  if (compared.profiles !== undefined) return keepProfiles(compared, compared.profiles, json);
  if (!compared.whole) return { text: 'Only a whole run is kept in test/bench/results/.', json };
  await mkdir(folder, { recursive: true });
  const { machine, rounds, milliseconds, rows, absent, result, columns } = compared;
  const day = new Date().toISOString().slice(0, 10);
  const page = [
    '# Sallyport and its peers',
    `${day}: ${machine.cores} × ${machine.cpu}, ${machine.memory_gib} GiB, Linux ${machine.kernel}, Node ${machine.node}, TCP ${machine.tcp}, loopback in a network namespace. ${rounds} interleaved rounds of ${milliseconds} ms a measurement: median (least–most), × ratio to direct. Made by \`npm run bench -- peers\`; what is measured: [../README.md](../README.md). Every row: [peers.jsonl](peers.jsonl).`,
    ...notesOf(compared),
    '![Throughput, requests and new flows of each](peers.svg)',
    markdownTable(result, columns),
    ...Object.entries(absent).map(([name, why]) => `Absent: ${name}: ${why}.`),
  ];
  await writeFile(new URL('peers.md', folder), `${page.join('\n\n')}\n`);
  await writeFile(new URL('peers.svg', folder), barChart(result, columns.filter(isCharted)));
  const lines = [{ machine }, ...rows].map((row) => `${JSON.stringify(row)}\n`);
  await writeFile(new URL('peers.jsonl', folder), lines.join(''));
  return { text: 'Kept in test/bench/results/: peers.md, peers.svg, peers.jsonl.', json };
}

/** Of each process of Sallyport's at full load: the functions with the most time of their own, and a flame chart. */
async function keepProfiles({ machine }: Compared, profiles: Profiled[], json: object): Promise<Conclusion> {
  await mkdir(folder, { recursive: true });
  const head = `${machine.cores} × ${machine.cpu}, Node ${machine.node}; npm run bench -- peers --measure throughput --subject sallyport --profile DIR\nStart of the processes included.`;
  await writeFile(new URL('profile.txt', folder), `${head}\n\n${hottest(profiles)}\n`);
  const charts = profiles.map(
    ({ name, profile }) => [`flame-${name.replaceAll(' ', '-')}.svg`, name, profile] as const,
  );
  for (const [file, name, profile] of charts)
    await writeFile(new URL(file, folder), flameChart(profile, name));
  const kept = ['profile.txt', ...charts.map(([file]) => file)];
  return { text: `Kept in test/bench/results/: ${kept.join(', ')}.`, json: { ...json } };
}

const isCharted = ({ key }: { key: string }) => Object.values(figures).includes(key);

/** How far the figures can be trusted, and what failed. */
function notesOf({ result, rows }: Compared): string[] {
  const disturbed = rows.filter((row) => row.disturbed).length;
  const share = summarise(rows.map(({ foreign }) => foreign))?.median ?? 0;
  return [
    ...(disturbed > rows.length / 2
      ? [
          `**The machine was not quiet**: ${disturbed} of ${rows.length} measurements were taken while other programs had more than 5 % of it (in the median ${Math.round(share * 100)} %). All subjects had to bear that in turn: what is said of one beside another holds roughly, absolute figures do not hold.`,
        ]
      : []),
    ...Object.values(result).flatMap(({ title, errors }) =>
      errors.map((error) => `${title} failed: ${error}.`),
    ),
  ];
}

function subjectsOf(result: Result): Record<string, Record<string, number | boolean>> {
  return Object.fromEntries(
    Object.entries(result).map(([name, { summaries }]) => [
      name,
      {
        ...Object.fromEntries(
          Object.entries(figures).flatMap(([short, key]) => {
            const median = summaries[key]?.median;
            return median === undefined ? [] : [[short, Number(median.toPrecision(4))]];
          }),
        ),
        relayed: !unrelayed.has(name),
      },
    ]),
  );
}
