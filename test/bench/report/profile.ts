/**
 * Where the processor's time went: the functions with the most time of their own, out of the V8 profiles
 * that the agents leave when they end.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from './table.ts';

export interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  timeDeltas: number[];
}

const listed = 14;

export interface Profiled {
  name: string;
  file: string;
  profile: Profile;
}

/** @param names of the processes of interest, by pid. */
export function profilesIn(folder: string, names: Map<number, string>): Profiled[] {
  return globSync('**/*.cpuprofile', { cwd: folder }).flatMap((file) => {
    const name = names.get(pidOf(file));
    if (name === undefined) return [];
    return [{ name, file, profile: JSON.parse(readFileSync(join(folder, file), 'utf8')) }];
  });
}

/** A table for each, busiest first. */
export function hottest(profiles: Profiled[]): string {
  return profiles
    .map(({ name, file, profile }) => {
      const spent = selfTimes(profile);
      return { name, file, spent, busy: [...spent.values()].reduce((sum, ms) => sum + ms, 0) };
    })
    .sort((a, b) => b.busy - a.busy)
    .map(
      ({ name, file, spent, busy }) => `${name}, ${busy.toFixed(0)} ms busy (${file})\n${top(spent, busy)}`,
    )
    .join('\n\n');
}

/** As V8 names them: CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile; only main threads. */
const pidOf = (file: string): number => Number(/\.(\d+)\.0\.\d+\.cpuprofile$/.exec(file)?.[1]);

function top(spent: Map<string, number>, busy: number): string {
  const rows = [...spent].sort((a, b) => b[1] - a[1]).slice(0, listed);
  return table(rows.map(([name, ms]) => [`  ${name}`, `${((100 * ms) / busy).toFixed(1)} %`]));
}

function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const spent = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = names.get(id)!;
    if (name !== '(idle)') spent.set(name, (spent.get(name) ?? 0) + timeDeltas[i]! / 1000);
  });
  return spent;
}

/** A function by its name and where it is. */
export function placeOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^file:\/\/.*?\/(node-agents|schema|workers|node_modules)\//, '$1/');
  return `${functionName || '(anonymous)'}${file ? `  ${file}:${lineNumber + 1}` : ''}`;
}
