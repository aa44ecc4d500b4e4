import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bundle } from '#workers/local/bundle.ts';

const root = new URL('../../../..', import.meta.url).pathname;
const entry = 'schema/errors.ts';
let folder: string;

/** A kept bundle that depends on no file, so that it is always up to date. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-bundle-'));
  const name = createHash('sha256').update(root).update(entry).digest('hex').slice(0, 16);
  const kept = { entry, inputs: {}, script: 'planted()' };
  await writeFile(join(folder, `bundle-${name}.json`), JSON.stringify(kept));
});
afterEach(() => rm(folder, { recursive: true }));

test('a bundle that was kept in a folder of our own is used', async () => {
  expect(await bundle(entry, folder)).toBe('planted()');
});

test('where others can write, nothing that is kept is run', async () => {
  await chmod(folder, 0o777);
  expect(await bundle(entry, folder)).toContain('peer_not_pinned');
});
