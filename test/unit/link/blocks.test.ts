/** Proves link/blocks.ts: who fills a block is given larger ones, only so many are, and none longer than they need it. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Blocks } from '#node-agents/link/blocks.ts';
import { longestSegment } from '#node-agents/link/segment.ts';

const [small, large] = [longestSegment, 4 * longestSegment];

test('large blocks follow one that was filled, small ones eight in a row that would have held it', () => {
  const blocks = new Blocks(new Socket());
  expect(blocks.take().length).toBe(small);
  blocks.used(small - 1);
  expect(blocks.take().length).toBe(small);
  blocks.used(small);
  expect(blocks.take().length).toBe(large);
  for (let i = 0; i < 7; i++) blocks.used(small);
  blocks.used(small + 1);
  for (let i = 0; i < 7; i++) blocks.used(1);
  expect(blocks.take().length).toBe(large);
  blocks.used(1);
  expect(blocks.take().length).toBe(small);
});

test('64 have large ones at a time; the next does once the socket of one is closed', async () => {
  const sockets = Array.from({ length: 65 }, () => new Socket());
  const users = sockets.map((socket) => new Blocks(socket));
  for (const user of users) user.used(small);
  const last = users.at(-1)!;
  expect(users.map((user) => user.take().length)).toEqual([...Array(64).fill(large), small]);
  const closed = once(sockets[0]!, 'close');
  sockets[0]!.destroy();
  await closed;
  last.used(small);
  expect(last.take().length).toBe(large);
  users[0]!.used(small);
  expect(users[0]!.take().length).toBe(small);
});
