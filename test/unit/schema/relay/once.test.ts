/** What is used once is used, for as long as it could be used again, and not a byte of memory longer. */
import { describe, expect, test } from 'vitest';
import { ExpiringSet, useOnce } from '#schema/relay/once.ts';

describe('an id', () => {
  test('is used up until its time is over', () => {
    const used = new ExpiringSet(10);
    const use = [{ id: 'a', untilMs: 5_000 }];
    expect(useOnce(used, use, 0)).toEqual({ ok: true });
    expect(useOnce(used, use, 4_999)).toMatchObject({ code: 'token_replayed' });
    expect(used.has('a', 5_000)).toBe(false);
  });

  test('is not forgotten to make room: the next one is refused instead', () => {
    const used = new ExpiringSet(2);
    expect(useOnce(used, [{ id: 'a', untilMs: 1_000 }], 0).ok).toBe(true);
    expect(useOnce(used, [{ id: 'b', untilMs: 9_000 }], 0).ok).toBe(true);
    expect(useOnce(used, [{ id: 'c', untilMs: 9_000 }], 0)).toMatchObject({ code: 'limit_reached' });
    expect(used.has('a', 999)).toBe(true);
    expect(useOnce(used, [{ id: 'c', untilMs: 9_000 }], 3_000)).toEqual({ ok: true });
    expect(used.size).toBe(2);
  });

  test('is used up together with the others of its request, or not at all', () => {
    const used = new ExpiringSet(10);
    useOnce(used, [{ id: 'token', untilMs: 9_000 }], 0);
    const both = [
      { id: 'proof', untilMs: 9_000 },
      { id: 'token', untilMs: 9_000 },
    ];
    expect(useOnce(used, both, 1)).toMatchObject({ code: 'token_replayed' });
    expect(used.has('proof', 1)).toBe(false);
  });

  test('of one owner takes no more than its part, and gives it back', () => {
    const used = new ExpiringSet(10, 2);
    const add = (id: string, owner: string, nowMs = 0) =>
      used.add({ id, untilMs: nowMs + 1_000, owner }, nowMs);
    expect(['a', 'b', 'c'].map((id) => add(id, 'rogue'))).toEqual([true, true, false]);
    expect(used.has('c', 0)).toBe(false);
    expect(add('d', 'other')).toBe(true);
    expect(used.add({ id: 'e', untilMs: 1_000 }, 0)).toBe(true);
    expect(['f', 'g', 'h'].map((id) => add(id, 'rogue', 3_000))).toEqual([true, true, false]);
  });

  test('can be remembered for longer than at first', () => {
    const used = new ExpiringSet(10);
    used.add({ id: 'a', untilMs: 2_000 }, 0);
    used.add({ id: 'a', untilMs: 60_000 }, 0);
    used.add({ id: 'b', untilMs: 60_000 }, 10_000);
    expect(used.has('a', 59_999)).toBe(true);
    used.add({ id: 'c', untilMs: 200_000 }, 100_000);
    expect(used.size).toBe(1);
  });
});
