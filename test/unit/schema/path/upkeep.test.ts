/** Proves schema/path/upkeep.ts and choose.ts: when a direct path is asked for, let go of, and taken. */
import { expect, test } from 'vitest';
import { choosePath } from '#schema/path/choose.ts';
import { Upkeep, upkeepTimes } from '#schema/path/upkeep.ts';
import { SeededRandom } from '../../../fuzz/random.ts';

test('nobody asks for a path before a flow wants it', () => {
  const upkeep = new Upkeep();
  expect(upkeep.next(0)).toBeUndefined();
  expect(upkeep.wakeMs).toBe(Number.POSITIVE_INFINITY);
  upkeep.wanted(10);
  expect(upkeep.next(10)).toBe('try');
  expect(upkeep.next(10)).toBeUndefined();
  expect(upkeep.state).toBe('trying');
});

test('what fails is tried again ever more rarely, and not at all once nobody wants it', () => {
  const random = new SeededRandom(7);
  const upkeep = new Upkeep();
  upkeep.wanted(0);
  const rests: number[] = [];
  for (let now = 0; upkeep.next(now) === 'try'; now = upkeep.wakeMs) {
    upkeep.failed('connection_timeout', now, random.next());
    rests.push(upkeep.wakeMs - now);
    upkeep.wanted(upkeep.wakeMs);
    if (rests.length === 12) break;
  }
  expect(Math.max(...rests.slice(0, 2))).toBeLessThanOrEqual(2 * upkeepTimes.firstRestMs);
  expect(Math.min(...rests.slice(-3))).toBeGreaterThanOrEqual(upkeepTimes.mostRestMs / 2);
  expect(Math.max(...rests)).toBeLessThanOrEqual(upkeepTimes.mostRestMs);
  expect(upkeep.next(upkeep.wakeMs + upkeepTimes.wantedMs)).toBeUndefined();
  expect(upkeep.wakeMs).toBe(Number.POSITIVE_INFINITY);
});

test('a network that let nothing through is tried again soon: the SYNs may only have missed each other', () => {
  const upkeep = new Upkeep();
  upkeep.wanted(0);
  upkeep.next(0);
  upkeep.failed('path_blocked', 0, 0);
  expect(upkeep.wakeMs).toBe(upkeepTimes.firstRestMs / 2);
});

test('a peer that will not is left in peace for long', () => {
  const upkeep = new Upkeep();
  upkeep.wanted(0);
  upkeep.next(0);
  upkeep.failed('path_unavailable', 0, 0);
  expect(upkeep.wakeMs).toBe(upkeepTimes.mostRestMs / 2);
});

test('a sound path that is lost is asked for again at once; one that never held counts as a failure', () => {
  const upkeep = new Upkeep();
  upkeep.wanted(0);
  upkeep.next(0);
  upkeep.succeeded(0);
  upkeep.lost(upkeepTimes.soundMs, 0.5);
  expect(upkeep.wakeMs).toBe(upkeepTimes.soundMs + upkeepTimes.lostRestMs);
  expect(upkeep.next(upkeep.wakeMs)).toBe('try');
  upkeep.succeeded(40_000);
  upkeep.lost(40_100, 0);
  expect(upkeep.wakeMs).toBe(40_100 + upkeepTimes.firstRestMs / 2);
  upkeep.hurry(40_200);
  expect(upkeep.wakeMs).toBe(40_200 + upkeepTimes.lostRestMs);
});

test('an unused path is let go of, one that carries a flow is not', () => {
  const upkeep = new Upkeep();
  upkeep.wanted(0);
  upkeep.next(0);
  upkeep.succeeded(0);
  expect(upkeep.next(upkeepTimes.wantedMs - 1)).toBeUndefined();
  expect(upkeep.next(upkeepTimes.wantedMs, 1)).toBeUndefined();
  expect(upkeep.next(2 * upkeepTimes.wantedMs, 0)).toBe('let go');
  expect(upkeep.state).toBe('resting');
});

test('the direct path is taken unless the relay is clearly nearer, and small differences change nothing', () => {
  expect(choosePath(Number.NaN, 5, 'relay')).toBe('direct');
  expect(choosePath(10, 30, 'relay')).toBe('direct');
  expect(choosePath(15, 10, 'relay')).toBe('direct');
  expect(choosePath(17, 10, 'relay')).toBe('relay');
  expect(choosePath(34, 10, 'direct')).toBe('direct');
  expect(choosePath(36, 10, 'direct')).toBe('relay');
});
