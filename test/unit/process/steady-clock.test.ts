import { expect, test } from 'vitest';
import { steadyClock } from '#node-agents/process/steady-clock.ts';

function machine() {
  const at = { wall: 1_000_000, monotonic: 0, uptime: 0 };
  const clock = steadyClock({ wall: () => at.wall, monotonic: () => at.monotonic, uptime: () => at.uptime });
  return {
    clock,
    run(ms: number) {
      at.wall += ms;
      at.monotonic += ms;
      at.uptime += ms;
    },
    suspend(ms: number) {
      at.wall += ms;
      at.uptime += ms;
    },
    set(ms: number) {
      at.wall += ms;
    },
  };
}

test('follows time as it passes', () => {
  const { clock, run } = machine();
  run(5_000);
  expect(clock()).toBe(1_005_000);
});

test('is not moved when the clock is set, forwards or back', () => {
  const { clock, run, set } = machine();
  set(600_000);
  run(10);
  expect(clock()).toBe(1_000_010);
  set(-1_200_000);
  run(10);
  expect(clock()).toBe(1_000_020);
});

test('counts the time that the machine was suspended', () => {
  const { clock, suspend } = machine();
  suspend(3_600_000);
  expect(clock()).toBe(4_600_000);
});

test('tells both apart when they come together, as after a resume with NTP', () => {
  const { clock, suspend, set } = machine();
  suspend(3_600_000);
  set(-600_000);
  expect(clock()).toBe(4_600_000);
});
