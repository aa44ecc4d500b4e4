/**
 * The README's map must be true: every path that it names in backticks or links exists.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

test('every file that the README names is there', () => {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const named = [...text.matchAll(/[`(]((?:schema|workers|node-agents|test)\/[\w./-]*)[`)]/g)].map(
    ([, path]) => path!,
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
