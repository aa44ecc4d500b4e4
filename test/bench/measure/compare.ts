/**
 * One comparison from beginning to end: origin and load generator, the ways between them, rounds of every
 * measure, the table, the raw rows. `path/`, `transparent/` and `peers/` say what is compared.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from '../host/machine.ts';
import type { Generator, Origin } from '../load/process.ts';
import { printable } from '../report/print.ts';
import { hottest, type Profiled, profilesIn } from '../report/profile.ts';
import { type Result, resultOf, toJson } from '../report/result.ts';
import type { Measure, Subject } from './measure.ts';
import { type Row, runRounds } from './rounds.ts';

/** What `main.ts` hands to every comparison. */
export interface CompareOptions {
  quick: boolean;
  machine: Machine;
  /** Of the measures, by name; all when empty. */
  measures: string[];
  /** Of the subjects, by name; all when empty. */
  subjects: string[];
  rounds?: number;
  /** V8 profiles of every agent go here. */
  profile?: string;
  rawDir: string;
  say(text: string): void;
}

export interface Comparison<E extends Ends = Ends> {
  /** As in `npm run bench -- NAME`. */
  name: string;
  measures: Measure[];
  pace: Record<'full' | 'quick', { rounds: number; milliseconds: number }>;
  /** Where load comes from and goes to. */
  ends(): Promise<E>;
  /** The ways, in the order of the table. */
  ways: Way<E>[];
  /** Said below the table, and put into the JSON. */
  conclude?(compared: Compared): Conclusion | Promise<Conclusion>;
}

export interface Conclusion {
  text: string;
  json?: Record<string, unknown>;
}

export interface Ends {
  origin: Origin;
  generator: Generator;
  /** After everything else has ended. */
  close?(): Promise<void>;
}

export interface Way<E extends Ends = Ends> {
  name: string;
  title: string;
  /**
   * @param prefix of each agent's command, for a profiler.
   * @returns a sentence when it cannot be had here.
   */
  build(ends: E, prefix: string[]): Promise<Subject | string>;
}

export interface Compared {
  result: Result;
  columns: Measure['columns'];
  rows: Row[];
  /** Ways that cannot be had here, and why. */
  absent: Record<string, string>;
  machine: Machine;
  rounds: number;
  milliseconds: number;
  /** Not a quick one, nor one of some measures or subjects, nor one with a profiler. */
  whole: boolean;
  /** Of each agent, when there was a profiler. */
  profiles: Profiled[] | undefined;
}

/** @returns the line for `--json`, and whether all went well. */
export async function compare(
  c: Comparison,
  o: CompareOptions,
): Promise<{ json: Record<string, unknown>; ok: boolean }> {
  const pace = c.pace[o.quick ? 'quick' : 'full'];
  const rounds = o.rounds ?? pace.rounds;
  const { milliseconds } = pace;
  const measures = c.measures.filter(({ name }) => o.measures.length === 0 || o.measures.includes(name));
  const columns = measures.flatMap((measure) => measure.columns);
  const ends = await c.ends();
  const subjects: Subject[] = [];
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await Promise.allSettled(subjects.map((subject) => subject.stop()));
    ends.generator.stop();
    ends.origin.stop();
    await ends.close?.();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop().finally(() => process.exit(1)));
  }
  try {
    const unbuilt: Row[] = [];
    const absent: Record<string, string> = {};
    for (const way of c.ways) {
      const wanted = o.subjects.length === 0 || o.subjects.includes(way.name) || way.name === 'direct';
      if (!wanted) continue;
      progress(`starting: ${way.title}`);
      await way.build(ends, profiler(o.profile, way.name)).then(
        (built) => {
          if (typeof built === 'string') absent[way.name] = built;
          else subjects.push(built);
        },
        ({ message: error }: Error) =>
          unbuilt.push({ round: 0, measure: 'start', subject: way.name, seconds: 0, foreign: 0, error }),
      );
    }
    const measured = await runRounds({
      ...{ rounds, tries: o.quick ? 1 : 2 },
      measures,
      subjects,
      bench: { generator: ends.generator, origin: ends.origin, milliseconds },
      onRow: ({ round, measure, subject }) => progress(`round ${round} of ${rounds}: ${measure}, ${subject}`),
    });
    progress('');
    const rows = [...measured, ...unbuilt];
    const titles = Object.fromEntries(c.ways.map(({ name, title }) => [name, title]));
    const result = resultOf(rows, columns, titles);
    const raw = await keep(o.rawDir, c.name, { machine: o.machine, rounds, milliseconds, absent, rows });
    o.say(`${c.name}: ${rounds} rounds of ${milliseconds} ms a measurement; raw rows in ${raw}`);
    const disturbed = rows.filter((row) => row.disturbed).length;
    if (disturbed > 0) o.say(`${disturbed} of ${rows.length} measurements were disturbed by others`);
    o.say(`\n${printable(result, columns)}`);
    for (const [name, why] of Object.entries(absent)) o.say(`absent: ${titles[name]}: ${why}`);
    const ok = rows.every((row) => row.error === undefined);
    const { machine } = o;
    const json = { bench: c.name, subjects: toJson(result), absent, machine, rounds, milliseconds, raw };
    let profiles: Profiled[] | undefined;
    if (o.profile !== undefined) {
      await stop(); // They write their profiles when they end.
      profiles = profilesIn(o.profile, agents(subjects));
      o.say(`\n${hottest(profiles)}`);
    }
    const whole = !o.quick && o.measures.length + o.subjects.length === 0 && o.profile === undefined;
    const about = { absent, machine, rounds, milliseconds, whole, profiles };
    const compared = { result, columns, rows, ...about };
    const conclusion = await c.conclude?.(compared);
    if (conclusion) o.say(`\n${conclusion.text}`);
    return { json: { ...json, ...conclusion?.json }, ok };
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

async function keep(folder: string, name: string, content: unknown): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`);
  await writeFile(path, JSON.stringify(content));
  return path;
}
