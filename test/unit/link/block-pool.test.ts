/** Proves link/block-pool.ts: blocks are used again, only so many are kept, and none for long without use. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BlockPool } from '#node-agents/link/block-pool.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a block that was given back is the next one', () => {
  const pool = new BlockPool(16, 2);
  const block = pool.take();
  expect(block.length).toBe(16);
  pool.give(block);
  expect(pool.take()).toBe(block);
  expect(pool.take()).not.toBe(block);
});

test('no more than the bound are kept', () => {
  const pool = new BlockPool(16, 2);
  const blocks = [pool.take(), pool.take(), pool.take()];
  for (const block of blocks) pool.give(block);
  expect([pool.take(), pool.take(), pool.take()].filter((block) => blocks.includes(block))).toHaveLength(2);
});

test('what nobody needed for a while is let go, what is used stays', () => {
  const pool = new BlockPool(16, 8);
  const blocks = [pool.take(), pool.take(), pool.take()];
  for (const block of blocks) pool.give(block);
  for (let seconds = 0; seconds < 10; seconds++) {
    pool.give(pool.take());
    vi.advanceTimersByTime(1_000);
  }
  const left = [pool.take(), pool.take()].map((block) => blocks.includes(block));
  expect(left).toEqual([true, false]);
});

test('a pool at rest is empty and has no timer', () => {
  const pool = new BlockPool(16, 8);
  pool.give(pool.take());
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
});
