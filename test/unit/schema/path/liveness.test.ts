/** Proves schema/path/liveness.ts: when a path is asked, doubted and given up, and when it is not. */
import { describe, expect, test } from 'vitest';
import { Liveness, type LivenessTiming } from '#schema/path/liveness.ts';

const timing: LivenessTiming = {
  patienceMs: 1_000,
  doubtMs: 500,
  idleDoubtMs: 2_000,
  goneMs: 10_000,
  keepAliveMs: 10_000,
  silenceMs: 25_000,
};

/** Looks whenever it is due, as a host does. `answers`: how long a PING takes, undefined for never. */
function live(
  until: number,
  o: { answers?: (at: number) => number | undefined; work?: number[]; moves?: number[] },
) {
  const liveness = new Liveness(0, timing);
  const told: string[] = [];
  const coming: { at: number; what: 'heard' | 'worked' | 'moved' }[] = [
    ...(o.work ?? []).map((at) => ({ at, what: 'worked' as const })),
    ...(o.moves ?? []).map((at) => ({ at, what: 'moved' as const })),
  ];
  for (let now = 0; now <= until; ) {
    coming.sort((a, b) => a.at - b.at);
    const next = coming[0];
    if (next && next.at <= liveness.dueAt) {
      now = next.at;
      coming.shift();
      liveness[next.what](now);
      continue;
    }
    const due = liveness.dueAt;
    now = due;
    if (now > until) break;
    const wasDoubted = liveness.doubted;
    const step = liveness.look(now, due);
    if (liveness.doubted && !wasDoubted) told.push(`${now} doubt`);
    if (step !== 'nothing') told.push(`${now} ${step}`);
    if (step === 'close') break;
    const answer = step === 'ping' ? o.answers?.(now) : undefined;
    if (answer !== undefined) coming.push({ at: now + answer, what: 'heard' });
  }
  return told;
}

describe('an idle path', () => {
  test('is asked now and then, and stays as long as it answers', () => {
    expect(live(31_000, { answers: () => 100 })).toEqual(['10000 ping', '20100 ping', '30200 ping']);
  });

  test('may hold its breath for longer than one with flows at work', () => {
    expect(live(40_000, { answers: () => 1_900 })).not.toContainEqual(expect.stringContaining('doubt'));
    expect(live(60_000, {})).toEqual(['10000 ping', '12000 doubt', '25000 close']);
  });
});

describe('a path at work', () => {
  test('is asked once after each bout of work, not for ever', () => {
    expect(live(9_000, { work: [100, 200, 5_000], answers: () => 30 })).toEqual(['1100 ping', '6000 ping']);
  });

  test('is doubted soon and given up much sooner than an idle one', () => {
    expect(live(60_000, { work: [100] })).toEqual(['1100 ping', '1600 doubt', '11100 close']);
  });

  test('is not given up while the network takes what is written, however late the answer', () => {
    const moves = Array.from({ length: 20 }, (_, i) => 2_000 + i * 1_000);
    expect(live(30_000, { work: [100], moves, answers: () => 20_000 })).toEqual(['1100 ping', '1600 doubt']);
  });
});

test('whoever presses is told at once that a PING is needed, unless one is under way', () => {
  const liveness = new Liveness(0, timing);
  expect(liveness.press(100)).toBe(true);
  expect(liveness.press(150)).toBe(false);
  expect(liveness.dueAt).toBe(600);
  liveness.look(600, 600);
  expect(liveness.doubted).toBe(true);
  liveness.heard(700);
  expect(liveness.doubted).toBe(false);
  expect(liveness.press(800)).toBe(true);
});

test('one who slept (stopped, suspended) asks anew before judging', () => {
  const liveness = new Liveness(0, timing);
  liveness.worked(0);
  expect(liveness.look(1_000, 1_000)).toBe('ping');
  const due = liveness.dueAt;
  expect(liveness.look(3_600_000, due)).toBe('nothing');
  expect(liveness.doubted).toBe(false);
  expect(liveness.dueAt).toBe(3_600_500);
  expect(liveness.look(3_600_500, liveness.dueAt)).toBe('nothing');
  expect(liveness.doubted).toBe(true);
});
