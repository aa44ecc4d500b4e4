import { expect, test } from 'vitest';
import { ControllerClock } from '#node-agents/link/clock.ts';

test('follows the Controller once the difference is more than latency', () => {
  let real = 1_000_000;
  const clock = new ControllerClock(() => real);
  clock.learn(1_001_500);
  expect(clock.offsetMs).toBe(0);
  clock.learn(1_600_000);
  expect(clock.offsetMs).toBe(600_000);
  real += 5_000;
  expect(clock.now()).toBe(1_605_000);
  clock.learn(1_604_000);
  expect(clock.now(), 'latency alone does not make it jump').toBe(1_605_000);
});

test('learns anew when this machine’s clock is set right', () => {
  let real = 0;
  const clock = new ControllerClock(() => real);
  clock.learn(600_000);
  real = 600_000;
  clock.learn(600_000);
  expect(clock.now()).toBe(600_000);
});
