/**
 * Runs every measure on every subject in turn (direct, Node relay, edge relay, direct, …), so that whatever
 * else the machine does meanwhile falls on all of them alike. A failure is a row too; the run goes on.
 */
import type { Bench, Figures, Measure, Subject, SubjectName } from './measure.ts';

export interface Row {
  round: number;
  measure: string;
  subject: SubjectName;
  /** How long it all took, warm-up and clean-up included. */
  seconds: number;
  figures?: Figures;
  error?: string;
}

export interface Plan {
  rounds: number;
  measures: Measure[];
  subjects: Subject[];
  bench: Bench;
  onRow(row: Row): void;
}

/** One more round goes before the first and is forgotten: it warms the processes up. */
export async function runRounds(plan: Plan): Promise<Row[]> {
  const rows: Row[] = [];
  for (let round = 0; round <= plan.rounds; round++) {
    for (const measure of plan.measures) {
      if ((measure.once && round < plan.rounds) || (measure.cold && round === 0)) continue;
      for (const subject of plan.subjects) {
        const start = performance.now();
        const outcome = await attempt(measure, subject, plan);
        const seconds = (performance.now() - start) / 1000;
        const row = { round, measure: measure.name, subject: subject.name, seconds, ...outcome };
        if (round > 0 || row.error !== undefined) rows.push(row);
        plan.onRow(row);
      }
    }
  }
  return rows;
}

async function attempt(
  measure: Measure,
  subject: Subject,
  { bench }: Plan,
): Promise<Pick<Row, 'figures' | 'error'>> {
  const trouble = subject.trouble();
  if (trouble !== undefined) return { error: trouble };
  try {
    return { figures: await measure.run(subject, bench) };
  } catch (error) {
    return { error: subject.trouble() ?? (error as Error).message };
  }
}
