/** Proves node-agents/client/tun/last-known.ts: what stays closed until the next ACL, and that no file stops the daemon. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LastKnown } from '#node-agents/client/tun/last-known.ts';

let directory: string;
let path: string;
const warnings: string[] = [];
const log = { warn: (event: string) => void warnings.push(event) };
const read = (left: string[] = [], tenant = 'https://c/t/acme') =>
  LastKnown.read({ path, tenant, log }, left);
const finds = (known: LastKnown, host: string) =>
  known.find({ protocol: 'tcp', host, port: 443 }).ok && known.find({ protocol: 'icmp', host }).ok;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-known-'));
  path = join(directory, 'protected.json');
  warnings.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('the last ACL outlives the process: names, aliases, wildcards, addresses, networks', async () => {
  const first = await read();
  first.learn([{ address: '10.66.0.0/24' }, { address: 'old.internal' }]);
  first.learn([
    { address: 'db.internal', alias: 'db.acme' },
    { address: '*.corp' },
    { address: '10.66.0.0/24' },
    { address: 'fd66::5' },
  ]);
  await first.close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = await read();
  for (const host of ['db.internal', 'db.acme', 'a.corp', '10.66.0.9', 'fd66::5'])
    expect(finds(again, host)).toBe(true);
  for (const host of ['old.internal', 'corp', '10.66.1.9', 'fd66::6']) expect(finds(again, host)).toBe(false);
});

test('what a killed daemon left closed counts too, and is remembered with the ACL that confirms it', async () => {
  const known = await read(['10.66.0.0/24', 'fd66::5/128']);
  expect([finds(known, '10.66.0.9'), finds(known, 'fd66::5')]).toEqual([true, true]);
  known.learn([{ address: '10.66.0.0/24' }]);
  expect(finds(known, 'fd66::5')).toBe(false);
  await known.close();
  expect((await read()).patterns).toEqual(['10.66.0.0/24']);
});

test('another Tenant’s is not ours', async () => {
  const known = await read();
  known.learn([{ address: '10.66.0.0/24' }]);
  await known.close();
  expect((await read([], 'https://c/t/other')).patterns).toEqual([]);
  expect(warnings).toEqual([]);
});

test('a file that is not ours, is broken, or open to others costs a warning', async () => {
  writeFileSync(path, 'rubbish', { mode: 0o600 });
  expect((await read(['10.0.0.0/8'])).patterns).toEqual(['10.0.0.0/8']);
  const patterns = ['ok.internal', 'NOT CANONICAL', '10.0.0.1/8', '', 7, null, '*'];
  writeFileSync(path, JSON.stringify({ version: 1, tenant: 'https://c/t/acme', patterns }));
  expect((await read()).patterns).toEqual(['ok.internal']);
  chmodSync(path, 0o644);
  expect((await read()).patterns).toEqual([]);
  expect(warnings).toEqual(['protection_not_remembered', 'protection_not_remembered']);
});

test('a directory that cannot be written is told once, and the present goes on', async () => {
  path = join(directory, 'missing', 'protected.json');
  const known = await read();
  known.learn([{ address: 'a.internal' }]);
  known.learn([{ address: 'b.internal' }]);
  await known.close();
  expect(finds(known, 'b.internal')).toBe(true);
  expect(warnings).toEqual(['protection_not_written']);
});

test('what has not changed is not written again', async () => {
  const known = await read();
  known.learn([{ address: 'a.internal' }]);
  await known.close();
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, `${before} `, { mode: 0o600 });
  known.learn([{ address: 'a.internal' }]);
  await known.close();
  expect(readFileSync(path, 'utf8')).toBe(`${before} `);
});
