/** That modules which are found without a look-up are those which Node would have found. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const root = new URL('../../..', import.meta.url);

/** Loads all that agents are made of by Node's own resolution, and compares each import with what `placeOf` says. */
const script = `
import { globSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { placeOf } from './node-agents/process/resolve.ts';
const seen = { same: 0, other: [] };
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const quick = placeOf(specifier, context.parentURL ?? '');
    if (quick === undefined) return found;
    if (quick.url === found.url && (found.format ?? quick.format) === quick.format) seen.same++;
    else seen.other.push(quick.url + ' for ' + found.url);
    return found;
  },
});
for (const path of globSync('node-agents/{client,connector,relay,link,os,process}/**/*.ts')) await import('./' + path);
process.stdout.write(JSON.stringify(seen), () => process.exit());
`;

test('an import leads to the file that Node would find, but for zod’s other languages', () => {
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    encoding: 'utf8',
  });
  const { same, other } = JSON.parse(output);
  expect([...new Set(other)]).toEqual([
    `data:text/javascript, for ${new URL('node_modules/zod/v4/locales/index.js', root).href}`,
  ]);
  expect(same).toBeGreaterThan(1_000);
});
