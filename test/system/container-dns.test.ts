/**
 * Proves that programs in a container get at protected names, although its resolv.conf is mounted and names a
 * resolver that no route can catch, and that a killed daemon takes nothing else with it (`os/resolv-conf.ts`).
 * Everything happens in namespaces that end with the child.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const text = 'nameserver 127.0.0.11\noptions ndots:0\n';
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-container-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('a mounted resolv.conf: protected names, all others, a kill, and the file as it was', async () => {
  const backing = join(directory, 'resolv.conf');
  writeFileSync(backing, text);
  const script = new URL('container-dns.ts', import.meta.url).pathname;
  const inside = [
    'set -e',
    'ip link set lo up',
    // A container's own address: programs look for none of a family that the host has none of.
    'ip address add 192.0.2.10/32 dev lo',
    'ip address add 100.96.0.1/32 dev lo',
    'mount --bind "$1" /etc/resolv.conf',
    'exec "$2" "$3"',
  ].join('\n');
  const apart = ['--net', '--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh'];
  const { stdout } = await promisify(execFile)('unshare', [...apart, backing, process.execPath, script]);
  const seen = JSON.parse(stdout);
  expect(seen.during.own.addresses).toEqual([expect.stringMatching(/^100\.(9[6-9]|10\d|11[01])\./)]);
  expect(seen.during.other.addresses).toEqual(['198.51.100.7']);
  expect(seen.privatelyAsked).toBe(false);
  // The resolver behind ours answers, at once: ours is unreachable, not silent.
  expect(seen.killed.other.addresses).toEqual(['198.51.100.7']);
  expect(seen.killed.other.ms).toBeLessThan(1_000);
  expect(seen.killed.own.addresses).toEqual([]);
  expect([seen.restored, readFileSync(backing, 'utf8')]).toEqual([true, text]);
});
