/**
 * Runs every measure on every subject in turn (direct, one, another, direct, …), so that whatever else the
 * machine does meanwhile falls on all of them alike. A failure is a row too; the run goes on. What was measured
 * while others used the machine is measured again, and marked when they do not stop.
 */
import { watchForeignLoad } from '../host/foreign-load.ts';
import type { Bench, Figures, Measure, Subject } from './measure.ts';

export interface Row {
  round: number;
  measure: string;
  subject: string;
  /** How long it all took, warm-up and clean-up included. */
  seconds: number;
  /** Others' share of the processors meanwhile. */
  foreign: number;
  /** By more than a measurement bears: left out of the summary where there are better ones. */
  disturbed?: true;
  figures?: Figures;
  error?: string;
}

export interface Plan {
  rounds: number;
  /** How often a measurement is taken that others disturb. */
  tries: number;
  measures: Measure[];
  subjects: Subject[];
  bench: Bench;
  onRow(row: Row): void;
}

/** Of all processors. */
const bearable = 0.05;

/** One more round goes before the first and is forgotten: it warms the processes up. */
export async function runRounds(plan: Plan): Promise<Row[]> {
  const rows: Row[] = [];
  for (let round = 0; round <= plan.rounds; round++) {
    for (const measure of plan.measures) {
      if ((measure.once && round < plan.rounds) || (measure.cold && round === 0)) continue;
      for (const subject of plan.subjects) {
        for (let left = round === 0 ? 1 : plan.tries; left > 0; left--) {
          const row = await take(round, measure, subject, plan);
          if (round > 0 || row.error !== undefined) rows.push(row);
          plan.onRow(row);
          if (!row.disturbed || measure.once) break;
        }
      }
    }
  }
  return rows;
}

async function take(round: number, measure: Measure, subject: Subject, { bench }: Plan): Promise<Row> {
  const start = performance.now();
  const foreignLoad = watchForeignLoad();
  const outcome = await attempt(measure, subject, {
    ...bench,
    warming: round === 0,
    generator: subject.generator ?? bench.generator,
  });
  const foreign = foreignLoad();
  const seconds = (performance.now() - start) / 1000;
  return {
    ...{ round, measure: measure.name, subject: subject.name, seconds, foreign },
    ...(foreign > bearable && { disturbed: true }),
    ...outcome,
  };
}

async function attempt(
  measure: Measure,
  subject: Subject,
  bench: Bench,
): Promise<Pick<Row, 'figures' | 'error'>> {
  const trouble = subject.trouble();
  if (trouble !== undefined) return { error: trouble };
  try {
    return { figures: await measure.run(subject, bench) };
  } catch (error) {
    return { error: subject.trouble() ?? (error as Error).message };
  }
}
