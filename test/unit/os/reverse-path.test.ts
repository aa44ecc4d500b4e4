/** Proves node-agents/os/reverse-path.ts: what is strict, by the higher of two settings, and what we may change. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loosen, strictElsewhere } from '#node-agents/os/reverse-path.ts';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

function host(settings: Record<string, number>): string {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-rp-'));
  made.push(root);
  for (const [device, value] of Object.entries(settings)) {
    mkdirSync(join(root, device));
    writeFileSync(join(root, device, 'rp_filter'), `${value}\n`);
  }
  return root;
}

test('our own device is made lenient, and no other', () => {
  const root = host({ all: 1, default: 1, lo: 1, eth0: 1, sallyport0: 1 });
  expect(loosen('sallyport0', root)).toBe(true);
  const setting = (device: string) => readFileSync(join(root, device, 'rp_filter'), 'utf8').trim();
  expect([setting('eth0'), setting('sallyport0')]).toEqual(['1', '2']);
});

test('where all is not strict, ours asks for no route at all', () => {
  const root = host({ all: 0, default: 1, sallyport0: 1 });
  expect(loosen('sallyport0', root)).toBe(true);
  expect(readFileSync(join(root, 'sallyport0', 'rp_filter'), 'utf8')).toBe('0');
});

test('where nothing may be written, what is set holds', () => {
  expect(loosen('sallyport0', host({ all: 1 }))).toBe(false);
  expect(loosen('sallyport0', host({ all: 0 }))).toBe(true);
  expect(loosen('sallyport0', host({ all: 2 }))).toBe(true);
});

test.each([
  [{ all: 1, eth0: 0 }, true],
  [{ all: 0, eth0: 1 }, true],
  [{ all: 2, eth0: 1 }, false],
  [{ all: 1, eth0: 2 }, false],
  [{ all: 0, eth0: 0, lo: 1, default: 1, sallyport0: 1 }, false],
])('%o: strict elsewhere is %s', (settings, expected) => {
  expect(strictElsewhere('sallyport0', host(settings))).toBe(expected);
});
