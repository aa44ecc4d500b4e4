import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Life, Renewal } from '#node-agents/link/renewal.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const random = () => new Uint8Array(4);

function renewal(life: Life | undefined) {
  const asked: number[] = [];
  const held = { life };
  const made = new Renewal({
    life: () => held.life,
    ask: () => void asked.push(Date.now() / 1000),
    now: Date.now,
    random,
  });
  made.look();
  return { held, asked, renewal: made };
}

test('what lives an hour is asked for after two thirds of it, and not before', () => {
  const { asked } = renewal({ renewAtMs: 2_376_000, endsMs: 3_600_000 });
  vi.advanceTimersByTime(2_375_000);
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(2_000);
  expect(asked).toEqual([2_376]);
});

test('without an answer it is asked for again, the sooner the nearer the end, and without haste after it', () => {
  const { asked } = renewal({ renewAtMs: 4_000, endsMs: 10_000 });
  vi.advanceTimersByTime(100_000);
  const gaps = asked.slice(1).map((at, i) => at - asked[i]!);
  expect(asked[0]).toBe(4);
  expect(gaps.slice(0, 2)).toEqual([1.5, 1.125]);
  expect(Math.min(...gaps)).toBe(1);
  expect(gaps.at(-1)).toBe(30);
});

test('an answer ends the asking until the new life is due', () => {
  const { asked, held, renewal: it } = renewal({ renewAtMs: 4_000, endsMs: 6_000 });
  for (let round = 1; round <= 3; round++) {
    vi.advanceTimersByTime(4_000);
    expect(asked.length).toBe(round);
    held.life = { renewAtMs: Date.now() + 4_000, endsMs: Date.now() + 6_000 };
    it.look();
  }
});

test('a Controller that is there again is asked at once for what is due, and for nothing else', () => {
  const { asked, renewal: it } = renewal({ renewAtMs: 4_000, endsMs: 400_000 });
  it.resume();
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(5_000);
  it.resume();
  expect(asked).toEqual([4, 5]);
});

test('a machine that slept asks within half a minute of its clock', () => {
  const { asked } = renewal({ renewAtMs: 2_376_000, endsMs: 3_600_000 });
  vi.setSystemTime(3_000_000);
  vi.advanceTimersByTime(30_000);
  expect(asked.length).toBe(1);
});

test('without anything to renew, and once stopped, nothing is asked', () => {
  const nothing = renewal(undefined);
  const stopped = renewal({ renewAtMs: 4_000, endsMs: 6_000 });
  stopped.renewal.stop();
  vi.advanceTimersByTime(100_000);
  expect([nothing.asked, stopped.asked]).toEqual([[], []]);
});
