/**
 * Where the processor's time went: the functions with the most time of their own, out of the V8 profiles
 * that the agents leave when they end.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { table } from './table.ts';

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

const listed = 14;
/** Of a process that did nothing but start and wait. */
const leastBusyMs = 200;

/** A table per process that did something, busiest first. */
export function hottest(folder: string): string {
  return globSync('**/*.cpuprofile', { cwd: folder })
    .map((file) => ({ file, spent: selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8'))) }))
    .map(({ file, spent }) => ({ file, spent, busy: [...spent.values()].reduce((sum, ms) => sum + ms, 0) }))
    .filter(({ busy }) => busy > leastBusyMs)
    .sort((a, b) => b.busy - a.busy)
    .map(
      ({ file, spent, busy }) =>
        `${dirname(file)}, ${basename(file)}: ${busy.toFixed(0)} ms busy\n${top(spent, busy)}`,
    )
    .join('\n\n');
}

function top(spent: Map<string, number>, busy: number): string {
  const rows = [...spent].sort((a, b) => b[1] - a[1]).slice(0, listed);
  return table(rows.map(([name, ms]) => [`  ${name}`, `${((100 * ms) / busy).toFixed(1)} %`]));
}

function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const spent = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = names.get(id)!;
    if (name !== '(idle)') spent.set(name, (spent.get(name) ?? 0) + timeDeltas[i]! / 1000);
  });
  return spent;
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^file:\/\/.*?\/(node-agents|schema|workers|node_modules)\//, '$1/');
  return `${functionName || '(anonymous)'}${file ? `  ${file}:${lineNumber + 1}` : ''}`;
}
