/** Proves process/rest.ts: when memory is given back, and that it is. */
import { expect, test } from 'vitest';
import { collectAtRest, lookForRest, thisProcess } from '#node-agents/process/rest.ts';

const MiB = 1024 * 1024;

function machine() {
  const at = { busy: 0, rss: 80 * MiB, heapUsed: 14 * MiB, collected: 0 };
  const look = lookForRest({
    busy: () => at.busy,
    memory: () => ({ rss: at.rss, heapUsed: at.heapUsed }),
    async collect() {
      at.collected++;
      at.rss = 70 * MiB;
    },
  });
  return { at, look };
}

test('whoever does something is left alone, whoever rests gives back once', async () => {
  const { at, look } = machine();
  at.busy = 0.3;
  expect(await look()).toBe(false);
  at.busy = 0.005;
  expect(await look()).toBe(true);
  expect(await look()).toBe(false);
  expect(at.collected).toBe(1);
});

test('again only after a long rest, and when there is something to give back', async () => {
  const { at, look } = machine();
  await look();
  const looks = async (times: number) => {
    for (let left = times; left > 0; left--) if (await look()) return true;
    return false;
  };
  at.rss = 75 * MiB;
  expect(await looks(200)).toBe(false);
  at.busy = 0.5;
  expect(await look()).toBe(false);
  at.busy = 0;
  at.rss = 120 * MiB;
  expect(await looks(59)).toBe(false);
  expect(await look()).toBe(true);
});

test('a large live heap is not walked while nobody knows when the next flow comes', async () => {
  const { at, look } = machine();
  at.heapUsed = 200 * MiB;
  at.rss = 300 * MiB;
  expect(await look()).toBe(false);
  expect(at.collected).toBe(0);
});

test('two looks at once collect once', async () => {
  const { at, look } = machine();
  expect(await Promise.all([look(), look()])).toEqual([true, false]);
  expect(at.collected).toBe(1);
});

test('in a real process what nobody refers to is gone afterwards, and nothing keeps the process alive for it', async () => {
  const timer = collectAtRest();
  expect(timer.hasRef()).toBe(false);
  clearInterval(timer);
  const gone = new WeakRef({ bytes: new Uint8Array(MiB) });
  // What was made in this turn of the event loop is kept until its end.
  await new Promise(setImmediate);
  await thisProcess().collect();
  expect(gone.deref()).toBeUndefined();
});
