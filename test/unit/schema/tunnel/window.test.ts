/** Proves schema/tunnel/window.ts: what many tunnels may hold together. */
import { expect, test } from 'vitest';
import { initialCredit } from '#schema/tunnel/frames.ts';
import { Budget, maxWindow, ReceiveWindow } from '#schema/tunnel/window.ts';

const MiB = 1024 * 1024;

/** A window that grew as far as it may, in front of a reader that then stops. */
function hoard(budget: Budget): ReceiveWindow {
  const window = new ReceiveWindow(budget, budget.fresh(), 0);
  for (let round = 0; round < 20; round++) {
    const bytes = window.credit;
    window.receive(bytes);
    window.consume(bytes, round, 50);
  }
  window.receive(window.credit);
  return window;
}

test('tunnels that nobody reads hold no more than what they share, and each stream what is its by right', () => {
  const shared = new Budget(256 * MiB);
  const tunnels = Array.from({ length: 1_000 }, () => new Budget(undefined, shared));
  const windows = tunnels.flatMap((tunnel) => [hoard(tunnel), hoard(tunnel), hoard(tunnel)]);
  const held = windows.reduce((sum, { unread }) => sum + unread, 0);
  expect(shared.reserved).toBe(held);
  expect(held).toBeLessThanOrEqual(256 * MiB);
  expect(windows.at(-1)!.unread).toBe(initialCredit);
  for (const window of windows) window.release();
  expect(shared.reserved).toBe(0);
});

test('one principal below its share leaves the others wide windows', () => {
  const all = new Budget(256 * MiB);
  const mine = new Budget(128 * MiB, all);
  for (let i = 0; i < 1_000; i++) hoard(new Budget(undefined, mine));
  expect(hoard(new Budget(undefined, all)).unread).toBe(maxWindow);
});

test('what a tunnel holds moves with it, and comes back when it ends', () => {
  const [all, mine] = [new Budget(MiB), new Budget(MiB)];
  const tunnel = new Budget(undefined, all);
  const window = new ReceiveWindow(tunnel, initialCredit, 0);
  expect(all.reserved).toBe(initialCredit);
  tunnel.moveBelow(mine);
  expect([all.reserved, mine.reserved]).toEqual([0, initialCredit]);
  window.release();
  expect(mine.reserved).toBe(0);
});
