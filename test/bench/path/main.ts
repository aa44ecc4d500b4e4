/**
 * The path benchmark: Client → relay → Connector → origin against plain loopback, in the same run.
 * `subjects.ts` builds the ways, `rounds.ts` measures them in turn, `result.ts` sums up.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from '../host/machine.ts';
import { Generator, startOrigin } from '../load/process.ts';
import { hottest } from '../report/profile.ts';
import { coldStart } from './cold-start.ts';
import type { Subject } from './measure.ts';
import { memory } from './memory.ts';
import { newFlows } from './new-flows.ts';
import { printable } from './print.ts';
import { requests } from './requests.ts';
import { resultOf, toJson } from './result.ts';
import { type Row, runRounds } from './rounds.ts';
import { direct, throughSallyport } from './subjects.ts';
import { throughput } from './throughput.ts';

const all = [throughput, requests, newFlows, coldStart, memory];
export const measureNames = all.map(({ name }) => name);
const pace = {
  full: { rounds: 5, milliseconds: 1_200 },
  quick: { rounds: 2, milliseconds: 200 },
};

export interface PathOptions {
  quick: boolean;
  machine: Machine;
  /** Of the measures, by name; all when empty. */
  measures: string[];
  /** V8 profiles of every agent go here. */
  profile?: string;
  rawDir: string;
  say(text: string): void;
}

/** The line for `--json`, and whether all went well. */
export async function benchPath(o: PathOptions): Promise<{ json: Record<string, unknown>; ok: boolean }> {
  const { rounds, milliseconds } = o.quick ? pace.quick : pace.full;
  const measures = all.filter(({ name }) => o.measures.length === 0 || o.measures.includes(name));
  const origin = await startOrigin('127.0.0.99');
  const generator = await Generator.start();
  const subjects = [direct(origin)];
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await Promise.allSettled(subjects.map((subject) => subject.stop()));
    generator.stop();
    origin.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop().finally(() => process.exit(1)));
  }
  try {
    const unbuilt: Row[] = [];
    for (const subject of ['node_relay', 'edge_relay'] as const) {
      progress(`starting: ${subject}`);
      await throughSallyport(subject, origin, profiler(o.profile, subject)).then(
        (built) => subjects.push(built),
        ({ message }: Error) =>
          unbuilt.push({ round: 0, measure: 'start', subject, seconds: 0, error: message }),
      );
    }
    const columns = measures.flatMap((measure) => measure.columns);
    const measured = await runRounds({
      rounds,
      measures,
      subjects,
      bench: { generator, origin, milliseconds },
      onRow: ({ round, measure, subject }) => progress(`round ${round} of ${rounds}: ${measure}, ${subject}`),
    });
    progress('');
    const rows = [...measured, ...unbuilt];
    const result = resultOf(rows, columns);
    const raw = await keep(o.rawDir, { machine: o.machine, rounds, milliseconds, rows });
    o.say(`path: ${rounds} rounds of ${milliseconds} ms a measurement; raw rows in ${raw}\n`);
    o.say(printable(result, columns));
    if (o.profile) {
      await stop(); // They write their profiles when they end.
      o.say(`\n${hottest(o.profile, agents(subjects))}`);
    }
    const ok = rows.every((row) => row.error === undefined);
    return { json: { bench: 'path', subjects: toJson(result), machine: o.machine, rounds, raw }, ok };
  } finally {
    await stop();
  }
}

const agents = (subjects: Subject[]) =>
  new Map(
    subjects.flatMap(({ name, parts }) =>
      Object.entries(parts).flatMap(([part, pids]) => pids.map((pid) => [pid, `${name} ${part}`] as const)),
    ),
  );

const profiler = (folder: string | undefined, name: string): string[] =>
  folder === undefined ? [] : ['env', `NODE_OPTIONS=--cpu-prof --cpu-prof-dir=${join(folder, name)}`];

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function keep(folder: string, content: unknown): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `path-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`);
  await writeFile(path, JSON.stringify(content));
  return path;
}
