/** Rows into one figure per subject and column: the median over the rounds, its spread, its ratio to direct. */
import type { Column } from '../measure/measure.ts';
import type { Row } from '../measure/rounds.ts';
import { type Summary, summarise } from './statistics.ts';

export interface SubjectResult {
  title: string;
  summaries: Record<string, Summary>;
  /** To direct's median: below 1 is slower or, where less is better, faster. */
  ratio: Record<string, number>;
  errors: string[];
  /** Figures for which there was no measurement that others did not disturb. */
  disturbed: string[];
}

export type Result = Record<string, SubjectResult>;

/** @param titles of the subjects by name, in the order of the tables. */
export function resultOf(rows: Row[], columns: Column[], titles: Record<string, string>): Result {
  const result: Result = {};
  for (const [name, title] of Object.entries(titles)) {
    const own = rows.filter((row) => row.subject === name);
    if (own.length === 0) continue;
    const one: SubjectResult = { title, summaries: {}, ratio: {}, errors: errorsOf(own), disturbed: [] };
    for (const { key } of columns) {
      const having = own.filter((row) => row.figures?.[key] !== undefined);
      const quiet = having.filter((row) => !row.disturbed);
      const summary = summarise((quiet.length > 0 ? quiet : having).map((row) => row.figures![key]!));
      if (summary) one.summaries[key] = summary;
      if (summary && quiet.length === 0) one.disturbed.push(key);
    }
    result[name] = one;
  }
  for (const one of Object.values(result)) {
    for (const { key, better } of columns) {
      const base = result['direct']?.summaries[key]?.median;
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
    Object.entries(result).map(([name, { summaries, ratio, errors, disturbed }]) => [
      name,
      {
        ...map(summaries, ({ median }) => rounded(median)),
        spread: map(summaries, ({ min, max }) => [rounded(min), rounded(max)]),
        ...(name !== 'direct' && { ratio: map(ratio, rounded) }),
        ...(errors.length > 0 && { errors }),
        ...(disturbed.length > 0 && { disturbed }),
      },
    ]),
  );
}

const errorsOf = (rows: Row[]): string[] =>
  rows.flatMap(({ error, measure }) => (error === undefined ? [] : [`${measure}: ${error}`]));

const map = <T, U>(from: Record<string, T>, of: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(from).map(([key, value]) => [key, of(value)]));
