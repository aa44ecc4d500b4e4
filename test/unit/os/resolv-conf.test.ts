/** Proves node-agents/os/{resolv-conf,resolv-conf-text}.ts: ours in front, and what was there before back. */
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dnsWay } from '#node-agents/os/dns-way.ts';
import {
  hostNameservers,
  installResolvConf,
  type ResolvConf,
  restoreResolvConf,
} from '#node-agents/os/resolv-conf.ts';
import { isOursFirst, nameserversOf, withOurs, withoutOurs } from '#node-agents/os/resolv-conf-text.ts';
import { until } from '../connector/place.ts';

const ours = '100.96.0.1';
const docker = '# made by Docker\nnameserver 127.0.0.11\nsearch corp.test\noptions ndots:0 rotate edns0\n';
const texts = [
  docker,
  '',
  'nameserver 10.0.0.2',
  '; old\nnameserver  192.0.2.1 # first\nnameserver\tfe80::1%eth0\nnameserver nonsense\n\n',
  'options rotate\nnameserver 10.0.0.2\n',
  'options\trotate timeout:1\noptions attempts:2\r\nnameserver 1.1.1.1\n',
];

describe('the text', () => {
  test.each(texts)('with ours in front becomes what it was: %j', (text) => {
    const changed = withOurs(text, ours);
    expect(isOursFirst(changed, ours)).toBe(true);
    expect(withoutOurs(changed)).toBe(text);
    expect(withOurs(changed, ours)).toBe(changed);
    expect(withoutOurs(text)).toBe(text);
    expect(nameserversOf(changed)).toEqual(nameserversOf(text));
  });

  test('keeps the other resolvers behind ours, and asks them in no turn', () => {
    const lines = withOurs(docker, ours).split('\n');
    expect(lines.filter((line) => line.startsWith('nameserver'))).toEqual([
      'nameserver 100.96.0.1',
      'nameserver 127.0.0.11',
    ]);
    expect(lines).toContain('options ndots:0 edns0');
    expect(nameserversOf(texts[3]!)).toEqual(['192.0.2.1', 'fe80::1%eth0']);
  });

  test('that others have edited meanwhile loses nothing of theirs', () => {
    const edited = withOurs(docker, ours)
      .replace('nameserver 100.96.0.1\n', '')
      .replace('search corp.test', 'search other.test');
    expect(withoutOurs(edited)).toBe(docker.replace('corp.test', 'other.test'));
    expect(isOursFirst(edited, ours)).toBe(false);
  });
});

describe('the way to programs’ questions', () => {
  const way = (nameservers: string[], resolved = false) => dnsWay('auto', { resolved, nameservers });

  test('is a link of resolved where it runs, else the file where no route can catch them, else a rule', () => {
    expect(way(['127.0.0.53'], true)).toBe('resolved');
    expect([way(['127.0.0.11']), way(['10.0.0.2', '::1']), way([])]).toEqual(Array(3).fill('resolvconf'));
    expect([way(['10.0.0.2']), way(['fe80::1%eth0'])]).toEqual(['rule', 'rule']);
  });

  test('is the one that was asked for', () => {
    for (const asked of ['resolved', 'resolvconf', 'rule', 'off'] as const)
      expect(dnsWay(asked, { resolved: true, nameservers: [] })).toBe(asked);
  });

  test('leads past ourselves', () => {
    expect(nameserversOf('nameserver 100.96.0.1\nnameserver 10.0.0.2\n')).toEqual(['10.0.0.2']);
  });
});

describe('the file', () => {
  let directory: string;
  let path: string;
  let installed: ResolvConf | undefined;
  const rewritten: unknown[] = [];
  const install = () => {
    installed = installResolvConf({
      server: ours,
      path,
      everyMs: 20,
      onRewritten: (error) => rewritten.push(error),
    });
    return installed;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-resolv-'));
    path = join(directory, 'resolv.conf');
    writeFileSync(path, docker);
    rewritten.length = 0;
  });
  afterEach(() => {
    try {
      installed?.restore();
    } catch {
      // The test has taken it away.
    }
    installed = undefined;
    rmSync(directory, { recursive: true, force: true });
  });

  test('is changed in place and restored', () => {
    const { ino } = statSync(path);
    const held = install();
    expect(held.nameservers()).toEqual(['127.0.0.11']);
    expect(isOursFirst(readFileSync(path, 'utf8'), ours)).toBe(true);
    expect(hostNameservers(path)).toEqual(['127.0.0.11']);
    held.restore();
    expect([readFileSync(path, 'utf8'), statSync(path).ino]).toEqual([docker, ino]);
  });

  test('that a killed daemon has left behind is restored, or taken over', () => {
    writeFileSync(path, withOurs(docker, ours));
    expect(install().nameservers()).toEqual(['127.0.0.11']);
    expect(readFileSync(path, 'utf8')).toBe(withOurs(docker, ours));
    restoreResolvConf(path);
    restoreResolvConf(path);
    expect(readFileSync(path, 'utf8')).toBe(docker);
  });

  test.each(['in place', 'by another file'])('that DHCP rewrites %s has ours in front again', async (how) => {
    const held = install();
    const fresh = 'nameserver 10.9.9.9\n';
    if (how === 'in place') writeFileSync(path, fresh);
    else {
      writeFileSync(`${path}.new`, fresh);
      renameSync(`${path}.new`, path);
    }
    await until(() => rewritten.length > 0);
    expect([readFileSync(path, 'utf8'), rewritten[0]]).toEqual([withOurs(fresh, ours), undefined]);
    expect(held.nameservers()).toEqual(['10.9.9.9']);
    held.restore();
    expect(readFileSync(path, 'utf8')).toBe(fresh);
  });

  test('that is not there is a clear error', async () => {
    install();
    rmSync(path);
    await until(() => rewritten.length > 0);
    expect(rewritten[0]).toMatchObject({ code: 'tun_unavailable', message: expect.stringContaining(path) });
    expect(() => installResolvConf({ server: ours, path, onRewritten: () => {} })).toThrow(/cannot be read/);
    expect(hostNameservers(path)).toEqual([]);
  });
});
