import { expect, test } from 'vitest';
import { backoff } from '#node-agents/process/backoff.ts';
import { fraction, nonce, type Random } from '#node-agents/process/random.ts';

const always =
  (byte: number): Random =>
  (length) =>
    new Uint8Array(length).fill(byte);

test('the ceiling doubles up to the maximum and falls back on success', () => {
  const wait = backoff({ firstMs: 100, maxMs: 1_000, random: always(255) });
  expect([1, 2, 3, 4, 5, 6].map(() => wait.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  wait.reset();
  expect(wait.next()).toBe(100);
});

test('the wait is anywhere between nothing and the ceiling', () => {
  expect(backoff({ firstMs: 100, maxMs: 100, random: always(0) }).next()).toBe(0);
  expect(backoff({ firstMs: 100, maxMs: 100, random: always(128) }).next()).toBe(50);
});

test('a fraction is below one, a nonce long enough for a jti', () => {
  expect(fraction(always(255))).toBeLessThan(1);
  expect(nonce(always(1)).length).toBeGreaterThanOrEqual(16);
});
