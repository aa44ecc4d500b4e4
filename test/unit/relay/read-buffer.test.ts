/** How a raw stream's read buffer grows, shrinks, and never changes under bytes that are still being written. */
import { expect, test } from 'vitest';
import { ReadBuffer } from '#node-agents/relay/read-buffer.ts';

const small = 32 * 1024;

function read(buffer: ReadBuffer, length: number): number {
  buffer.take(Math.min(length, buffer.next().length));
  return buffer.next().length;
}

function grown(): ReadBuffer {
  const buffer = new ReadBuffer();
  for (let i = 0; i < 4; i++) read(buffer, small);
  return buffer;
}

test('it grows for bulk and shrinks again for small talk', () => {
  const buffer = new ReadBuffer();
  expect(read(buffer, 100)).toBe(small);
  for (let i = 0; i < 3; i++) expect(read(buffer, small)).toBe(small);
  expect(read(buffer, small)).toBeGreaterThan(small);
  for (let i = 0; i < 7; i++) expect(read(buffer, 100)).toBeGreaterThan(small);
  expect(read(buffer, 100)).toBe(small);
  buffer.release();
});

test('it stays as it is while its bytes are still being written', () => {
  const buffer = new ReadBuffer();
  const before = buffer.next();
  for (let i = 0; i < 4; i++) buffer.take(small);
  buffer.free = false;
  expect(buffer.next()).toBe(before);
  buffer.free = true;
  expect(buffer.next()).not.toBe(before);
  buffer.release();
});

test('a large one is lent to one stream at a time, and not again while it is being written from', () => {
  const first = grown();
  const lent = first.next();
  const second = grown();
  expect(second.next()).not.toBe(lent);
  first.free = false;
  first.release();
  const third = grown();
  expect(third.next()).not.toBe(lent);
  const free = second.next();
  second.release();
  const fourth = grown();
  expect(fourth.next()).toBe(free);
  third.release();
  fourth.release();
});

test('there are only so many large ones; a stream without goes on with its small one', () => {
  const streams = Array.from({ length: 200 }, grown);
  expect(streams.filter((one) => one.next().length > small).length).toBe(128);
  for (const one of streams) one.release();
  const again = grown();
  expect(again.next().length).toBeGreaterThan(small);
  again.release();
});
