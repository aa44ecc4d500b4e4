/** Proves schema/event/thin.ts: refusals in a loop are counted, not all written; nothing else is. */
import { expect, test } from 'vitest';
import { Thinning } from '#schema/event/thin.ts';

const rates = { instance: { burst: 10, perSecond: 2 }, principal: { burst: 15, perSecond: 3 } };
const event = (kind: 'denied' | 'failed' | 'established' | 'closed', instance = 'ins_a', more = {}) => ({
  kind,
  principal: 'svc_app',
  instance,
  ...more,
});

test('a flood of one instance is written up to its rate; the rest is told with the last of it', () => {
  const thinning = new Thinning(rates);
  const written = Array.from({ length: 1_000 }, () => thinning.pass(event('denied'), 0)).filter(Boolean);
  expect(written).toHaveLength(10);
  expect(thinning.takeHeld(0)).toEqual([event('denied', 'ins_a', { suppressed: 989 })]);
  expect(thinning.holds).toBe(false);
  expect(thinning.pass(event('failed'), 1_000)).toBe(true);
  expect(thinning.pass(event('failed'), 1_000)).toBe(true);
  expect(thinning.pass(event('failed'), 1_000)).toBe(false);
});

test('many instances share the rate of their principal, and do not touch that of another', () => {
  const thinning = new Thinning(rates);
  const written = Array.from({ length: 1_000 }, (_, i) => thinning.pass(event('denied', `ins_${i}`), 0));
  expect(written.filter(Boolean)).toHaveLength(15);
  expect(thinning.pass({ ...event('denied', 'ins_x'), principal: 'svc_other' }, 0)).toBe(true);
  expect(thinning.takeHeld(0)).toHaveLength(1);
});

test('what was let through is written however much it is', () => {
  const thinning = new Thinning(rates);
  for (let i = 0; i < 1_000; i++) {
    expect(thinning.pass(event(i % 2 ? 'established' : 'closed'), 0)).toBe(true);
  }
});

test('a summary that is held back in its turn keeps its count', () => {
  const thinning = new Thinning(rates);
  for (let i = 0; i < 10; i++) thinning.pass(event('denied'), 0);
  thinning.pass(event('denied', 'ins_a', { suppressed: 41 }), 0);
  expect(thinning.takeHeld(0)).toMatchObject([{ suppressed: 41 }]);
});
