/** Proves node-agents/os/{resolved,routing-domains}.ts: which questions are ours, and how resolved is told. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configureResolved, resolvedRuns, revertResolved } from '#node-agents/os/resolved.ts';
import { allDomains, reverseZones, routingDomains } from '#node-agents/os/routing-domains.ts';
import { parsePrefix } from '#schema/name/ip.ts';

const domains = (...patterns: string[]) =>
  routingDomains(patterns).filter((domain) => !/\.100\.in-addr\.arpa$|^~9\.7\.c\.6\./.test(domain));

describe('routing domains', () => {
  test('are the names, and of wildcards what is behind them', () => {
    expect(domains('db.internal', '*.corp', 'a?.b.test', '*x.y.example', 'a.*.z')).toEqual([
      '~b.test',
      '~corp',
      '~db.internal',
      '~y.example',
      '~z',
    ]);
  });

  test('that lie within one another are one', () => {
    expect(domains('db.corp', '*.corp', 'a.db.corp', 'scorp')).toEqual(['~corp', '~scorp']);
  });

  test('are all of them where a wildcard leaves nothing, or there are too many', () => {
    expect(routingDomains(['*'])).toEqual([allDomains]);
    expect(routingDomains(Array.from({ length: 2_000 }, (_, i) => `h${i}.corp`))).toEqual([allDomains]);
  });

  test('of addresses are the zones of their reverse names', () => {
    const zones = (text: string) => reverseZones(parsePrefix(text)!);
    expect(zones('10.1.0.0/16')).toEqual(['1.10.in-addr.arpa']);
    expect(zones('10.1.2.3/32')).toEqual(['3.2.1.10.in-addr.arpa']);
    expect(zones('172.16.0.0/14')).toEqual(
      ['16', '17', '18', '19'].map((label) => `${label}.172.in-addr.arpa`),
    );
    expect(zones('0.0.0.0/0')).toEqual(['in-addr.arpa']);
    expect(zones('fd00:1::/32')).toEqual(['1.0.0.0.0.0.d.f.ip6.arpa']);
    expect(zones('2001:db8:c000::/35')).toEqual(['c.8.b.d.0.1.0.0.2.ip6.arpa', 'd.8.b.d.0.1.0.0.2.ip6.arpa']);
    expect(domains('10.0.0.5', '10.0.0.0/24')).toEqual(['~0.0.10.in-addr.arpa']);
  });

  test('always have the synthetic addresses among them', () => {
    const all = routingDomains([]);
    expect(all).toHaveLength(17);
    expect(all).toContain('~111.100.in-addr.arpa');
    expect(all).toContain('~9.7.c.6.c.6.1.6.3.5.d.f.ip6.arpa');
  });
});

describe('resolvectl', () => {
  let directory: string;
  let command: string;
  const said = () => readFileSync(join(directory, 'said'), 'utf8').trim().split('\n');

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-resolved-'));
    command = join(directory, 'resolvectl');
    writeFileSync(
      command,
      `#!/bin/sh\necho "$@" >> ${directory}/said\n[ "$1" = mdns ] && [ -e ${directory}/broken ] && { echo "no such link" >&2; exit 1; }\nexit 0\n`,
    );
    chmodSync(command, 0o755);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('is told of the link, its servers last', async () => {
    await configureResolved(
      { device: 'tun9', servers: ['100.96.0.1'], domains: ['~corp', '~db.internal'] },
      command,
    );
    expect(said()[1]).toBe('domain tun9 ~corp ~db.internal');
    expect([said()[0], said().at(-1)]).toEqual(['default-route tun9 false', 'dns tun9 100.96.0.1']);
    await revertResolved('tun9', command);
    expect(said().at(-1)).toBe('revert tun9');
  });

  test('that fails is a clear error', async () => {
    writeFileSync(join(directory, 'broken'), '');
    const configured = configureResolved({ device: 'tun9', servers: [], domains: [] }, command);
    await expect(configured).rejects.toMatchObject({
      code: 'tun_unavailable',
      message: 'resolvectl mdns: no such link',
    });
  });

  test('is used only where resolved runs', async () => {
    expect(await resolvedRuns(command, join(directory, 'none'))).toBe(false);
    expect(await resolvedRuns(command, command)).toBe(true);
    expect(await resolvedRuns(join(directory, 'none'), command)).toBe(false);
  });
});
