/**
 * The ledger tells an agent exactly what it lacks: whatever version it holds, what it is told turns its
 * entries into the present ones.
 */
import { describe, expect, test } from 'vitest';
import { advance, type Ledger, ledgerLimits, since, type Tell } from '#schema/acl/ledger.ts';

type Entries = Record<string, string>;

/** What an agent does with what it is told. */
const apply = (held: Entries, told: Tell<string>): Entries => {
  const next: Entries = told.kind === 'snapshot' ? {} : { ...held };
  for (const key of told.unset) delete next[key];
  return { ...next, ...told.set };
};

const history: [number, Entries][] = [
  [3, { a: '1' }],
  [5, { a: '1', b: '1' }],
  [6, { a: '1', b: '1' }],
  [9, { b: '2' }],
  [12, { a: '1', b: '2' }],
];

const ledgerAfter = (steps: [number, Entries][]): Ledger<string> =>
  steps.reduce<Ledger<string> | undefined>(
    (l, [version, entries]) => advance(l, version, entries),
    undefined,
  )!;

describe('what an agent is told', () => {
  test('that holds nothing: a snapshot', () => {
    expect(since(ledgerAfter(history), undefined)).toEqual({
      kind: 'snapshot',
      version: 12,
      set: { a: '1', b: '2' },
      unset: [],
    });
  });

  test('that is up to date: an empty difference to what it holds', () => {
    const empty = { kind: 'difference', base: 12, version: 12, set: {}, unset: [] };
    expect(since(ledgerAfter(history), 12)).toEqual(empty);
  });

  test('that looked later than the last change: an empty difference as well', () => {
    const ledger = advance(ledgerAfter(history), 20, { a: '1', b: '2' });
    expect(since(ledger, 17)).toEqual({ kind: 'difference', base: 17, version: 17, set: {}, unset: [] });
  });

  test('that holds an older version: what was set, changed and removed since', () => {
    expect(since(ledgerAfter(history.slice(0, 4)), 5)).toEqual({
      kind: 'difference',
      base: 5,
      version: 9,
      set: { b: '2' },
      unset: ['a'],
    });
  });

  test('that holds a version at which nothing had changed: the later changes', () => {
    const told = since(ledgerAfter(history), 6);
    expect(told).toMatchObject({ kind: 'difference', base: 6, version: 12 });
    expect(apply({ a: '1', b: '1' }, told)).toEqual({ a: '1', b: '2' });
  });

  test('that holds a version nobody looked at: a snapshot, for something may have come and gone', () => {
    expect(since(ledgerAfter(history), 7).kind).toBe('snapshot');
    expect(since(ledgerAfter(history), 11).kind).toBe('snapshot');
  });

  test('that holds a version from before the ledger or from the future: a snapshot', () => {
    expect(since(ledgerAfter(history), 2).kind).toBe('snapshot');
    expect(since(ledgerAfter(history), 13).kind).toBe('snapshot');
  });

  test('always becomes what is true now', () => {
    for (const [upTo, [, present]] of history.entries()) {
      const ledger = ledgerAfter(history.slice(0, upTo + 1));
      for (const [version, held] of history.slice(0, upTo + 1)) {
        expect(apply(held, since(ledger, version))).toEqual(present);
      }
    }
  });
});

describe('what is remembered', () => {
  test('is bounded in steps and in keys', () => {
    let ledger = advance<string>(undefined, 1, {});
    for (let version = 2; version < 200; version++) ledger = advance(ledger, version, { k: String(version) });
    expect(ledger.steps).toHaveLength(ledgerLimits.steps);
    expect(since(ledger, 198).kind).toBe('difference');
    expect(since(ledger, 2).kind).toBe('snapshot');

    const many = Object.fromEntries(Array.from({ length: ledgerLimits.keys + 1 }, (_, i) => [`k${i}`, 'x']));
    ledger = advance(ledger, 300, many);
    expect(ledger.steps).toEqual([]);
    expect(since(ledger, 199).kind).toBe('snapshot');
  });

  test('a change without a new version is refused', () => {
    expect(() => advance(ledgerAfter(history), 12, {})).toThrow(RangeError);
    expect(() => advance(advance(ledgerAfter(history), 20, { a: '1', b: '2' }), 20, {})).toThrow(RangeError);
  });

  test('a key that is also a property of every object is a key like any other', () => {
    const ledger = advance<string>(advance<string>(undefined, 1, {}), 2, { constructor: 'x' });
    expect(since(ledger, 1)).toMatchObject({ set: { constructor: 'x' } });
  });
});
