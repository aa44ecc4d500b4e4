/** Proves node-agents/client/dns/remembered-names.ts: what a restart keeps, and that a bad file stops nothing. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rememberNames } from '#node-agents/client/dns/remembered-names.ts';
import { SyntheticNames, slotFor } from '#schema/name/synthetic.ts';

const tenant = 'https://c/t/acme';
let directory: string;
let path: string;
const warnings: string[] = [];
const log = { warn: (event: string) => void warnings.push(event), debug: () => {} };
const start = async () => {
  const names = new SyntheticNames(tenant);
  names.keep(['db.internal']);
  return { names, remembered: await rememberNames(names, { path, log, everyMs: 60_000 }) };
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-names-'));
  path = join(directory, 'names.json');
  warnings.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Two names that want the same address. */
function collision(): [string, string] {
  const taken = new Map<number, string>();
  for (let i = 0; ; i++) {
    const name = `h${i}.corp`;
    const slot = slotFor(tenant, name);
    const other = taken.get(slot);
    if (other) return [other, name];
    taken.set(slot, name);
  }
}

test('names below wildcards keep their addresses over a restart, also those that wanted another’s', async () => {
  const [first, second] = collision();
  const before = await start();
  const [a, b] = [before.names.assign(second)!, before.names.assign(first)!];
  await before.remembered.close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const after = await start();
  expect([after.names.nameOf(a.v4), after.names.nameOf(b.v6)]).toEqual([second, first]);
  expect(after.names.assign(first)).toEqual(b);
});

test('nothing is written while nothing has changed', async () => {
  const { remembered } = await start();
  await remembered.close();
  expect(() => readFileSync(path)).toThrow();
});

test.each([
  'nonsense',
  '{"version":2,"names":["a.corp"]}',
  '{"version":1,"names":[1,"10.0.0.1","A.corp","b..corp"]}',
])('a file that is %s is passed over', async (text) => {
  writeFileSync(path, text, { mode: 0o600 });
  const { names } = await start();
  expect(names.seen).toEqual([]);
  expect(warnings.length).toBe(text === 'nonsense' ? 1 : 0);
});
