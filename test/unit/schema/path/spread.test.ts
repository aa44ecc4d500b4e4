/** Proves schema/path/spread.ts and load.ts: who is first choice of how many, and what a busy one asks for. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { effectiveWeight, fallMs, Load, loadClasses, riseMs } from '#schema/path/load.ts';
import { inOrder, pickLeast } from '#schema/path/spread.ts';
import { SeededRandom } from '../../../fuzz/random.ts';

const vectors: {
  order: {
    name: string;
    connectors: Record<string, { fraction: number; weight?: number }>;
    order: string[];
  }[];
  least: { name: string; standing: [flows: number, weight: number][]; picked: number }[];
  weight: { weight: number; class: string; effective: number }[];
} = JSON.parse(readFileSync(new URL('../../../vectors/spread.json', import.meta.url), 'utf8'));

describe('the order of Connectors', () => {
  test.each(vectors.order)('$name', ({ connectors, order }) => {
    const candidates = Object.entries(connectors).map(([hash, { weight }]) => ({ hash, weight }));
    expect(inOrder(candidates, (hash) => connectors[hash]!.fraction).map(({ hash }) => hash)).toEqual(order);
  });

  const firsts = (weights: Record<string, number>, draws: Record<string, number>[]) => {
    const candidates = Object.entries(weights).map(([hash, weight]) => ({ hash, weight }));
    return draws.map((draw) => inOrder(candidates, (hash) => draw[hash]!)[0]!.hash);
  };
  const random = new SeededRandom(7);
  const draws = Array.from({ length: 20_000 }, () =>
    Object.fromEntries(['a', 'b', 'c'].map((hash) => [hash, (random.int(1_000_000) + 0.5) / 1_000_000])),
  );

  test('each is first choice of its share of instances', () => {
    const chosen = firsts({ a: 100, b: 300, c: 600 }, draws);
    const share = (hash: string) => chosen.filter((one) => one === hash).length / chosen.length;
    expect(share('a')).toBeCloseTo(0.1, 1);
    expect(share('b')).toBeCloseTo(0.3, 1);
    expect(share('c')).toBeCloseTo(0.6, 1);
  });

  test('a weight that falls moves instances away from that one alone, and no more than it must', () => {
    const before = firsts({ a: 100, b: 100, c: 100 }, draws);
    const after = firsts({ a: 50, b: 100, c: 100 }, draws);
    const moved = before.map((hash, i) => [hash, after[i]!]).filter(([from, to]) => from !== to);
    expect(new Set(moved.map(([from]) => from))).toEqual(new Set(['a']));
    // From a third to a fifth.
    expect(moved.length / draws.length).toBeCloseTo(1 / 3 - 1 / 5, 1);
  });
});

describe('the flows of one Client', () => {
  test.each(vectors.least)('$name', ({ standing, picked }) => {
    const list = standing.map(([flows, weight]) => ({ flows, weight }));
    expect(pickLeast(list)).toBe(list[picked]);
  });

  test('go to Connectors as their weights say, once they are many', () => {
    const standing = [
      { flows: 0, weight: 100 },
      { flows: 0, weight: 200 },
    ];
    for (let i = 0; i < 300; i++) pickLeast(standing)!.flows++;
    expect(standing.map(({ flows }) => flows)).toEqual([100, 200]);
  });
});

describe('a busy Connector', () => {
  test.each(vectors.weight)('of weight $weight that is $class asks for $effective', ({ weight, ...o }) => {
    expect(effectiveWeight(weight, loadClasses.find(({ name }) => name === o.class)!)).toBe(o.effective);
  });

  /** A sample each second. @returns when the class changed, and to what. */
  function changes(utilisation: (second: number) => number, seconds: number): string[] {
    const load = new Load();
    return Array.from({ length: seconds }, (_, second) =>
      load.sample(utilisation(second), second * 1000) ? [`${second} ${load.class.name}`] : [],
    ).flat();
  }

  test('says so after a while, step by step, and later that it is no longer', () => {
    const [rise, fall] = [riseMs / 1000, fallMs / 1000];
    const ended = 100;
    expect(changes((second) => (second < ended ? 1 : 0), 400)).toEqual([
      `${rise} busy`,
      `${2 * rise + 1} full`,
      `${ended + fall} busy`,
      `${ended + 2 * fall + 1} free`,
    ]);
  });

  test('says nothing of moments, nor of swaying about a boundary', () => {
    expect(changes((second) => (second % 8 === 0 ? 0.1 : 1), 600)).toEqual([]);
    const swaying = changes((second) => (second % 40 < 20 ? 0.72 : 0.55), 1_000);
    expect(swaying).toEqual(['10 busy']);
  });
});
