/** Rows into one figure per subject and column: the median over the rounds, its spread, its ratio to direct. */
import { type Summary, summarise } from '../report/statistics.ts';
import type { Column, SubjectName } from './measure.ts';
import type { Row } from './rounds.ts';

export interface SubjectResult {
  summaries: Record<string, Summary>;
  /** To direct's median: below 1 is slower or, where less is better, faster. */
  ratio: Record<string, number>;
  errors: string[];
}

export type Result = Partial<Record<SubjectName, SubjectResult>>;

export function resultOf(rows: Row[], columns: Column[]): Result {
  const result: Result = {};
  for (const name of new Set(rows.map((row) => row.subject))) {
    const own = rows.filter((row) => row.subject === name);
    const summaries: Record<string, Summary> = {};
    for (const { key } of columns) {
      const summary = summarise(own.flatMap((row) => row.figures?.[key] ?? []));
      if (summary) summaries[key] = summary;
    }
    const errors = own.flatMap(({ error, measure }) => (error === undefined ? [] : [`${measure}: ${error}`]));
    result[name] = { summaries, ratio: {}, errors };
  }
  for (const one of Object.values(result)) {
    for (const { key, better } of columns) {
      const base = result.direct?.summaries[key]?.median;
      const own = one.summaries[key]?.median;
      if (better && base && own !== undefined) one.ratio[key] = own / base;
    }
  }
  return result;
}

/** As the last line of `--json` carries it. */
export function toJson(result: Result): Record<string, unknown> {
  const rounded = (value: number) => Number(value.toPrecision(4));
  return Object.fromEntries(
    Object.entries(result).map(([name, { summaries, ratio, errors }]) => [
      name,
      {
        ...map(summaries, ({ median }) => rounded(median)),
        spread: map(summaries, ({ min, max }) => [rounded(min), rounded(max)]),
        ...(name !== 'direct' && { ratio: map(ratio, rounded) }),
        ...(errors.length > 0 && { errors }),
      },
    ]),
  );
}

const map = <T, U>(from: Record<string, T>, of: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(from).map(([key, value]) => [key, of(value)]));
