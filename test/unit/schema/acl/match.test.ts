/** Proves schema/acl/match.ts: which Resource a destination falls under (design §8), at a bounded cost. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AclResource, Destination } from '#schema/acl/document.ts';
import { allowsPort, compile, judgeOne } from '#schema/acl/match.ts';
import { canonicalHost } from '#schema/name/host.ts';
import { contains, parseIp, parsePrefix } from '#schema/name/ip.ts';

const vectors: {
  match: {
    name: string;
    resources: (Partial<AclResource> & { id: string; address: string })[];
    cases: [string, number, string][];
  }[];
} = JSON.parse(readFileSync(new URL('../../../vectors/acl.json', import.meta.url), 'utf8'));

const resource = (id: string, address: string, more: Partial<AclResource> = {}): AclResource => ({
  id,
  address,
  tcp: 'all',
  udp: 'all',
  icmp: true,
  ...more,
});
const tcp = (host: string, port = 443): Destination => ({ protocol: 'tcp', host, port });

describe('vectors', () => {
  for (const set of vectors.match) {
    const matcher = compile(set.resources.map((row) => resource(row.id, row.address, row)));
    for (const [host, port, expected] of set.cases) {
      test(`${set.name}: ${host}:${port} → ${expected}`, () => {
        expect(summary(matcher.find(tcp(host, port)))).toBe(expected);
      });
    }
  }
});

test('the rule that decided is told: address or alias', () => {
  const matcher = compile([resource('res_a', 'db-1.internal', { alias: 'db.internal' })]);
  expect(matcher.find(tcp('DB.internal.'))).toMatchObject({ ok: true, rule: 'db.internal' });
  expect(matcher.find(tcp('db-1.internal'))).toMatchObject({ ok: true, rule: 'db-1.internal' });
});

test('ports are judged per protocol', () => {
  const one = resource('res_a', '10.0.0.5', { tcp: [{ from: 80, to: 81 }], udp: 'none', icmp: false });
  const allowed = (protocol: Destination['protocol'], port?: number) =>
    allowsPort(one, { protocol, host: '10.0.0.5', ...(port !== undefined && { port }) });
  expect([allowed('tcp', 80), allowed('tcp', 81), allowed('tcp', 82), allowed('tcp')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([allowed('udp', 80), allowed('icmp')]).toEqual([false, false]);
});

describe('against a naive reference', () => {
  const random = generator(20261121);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const text = (alphabet: string, most: number) =>
    Array.from({ length: 1 + Math.floor(random() * most) }, () => pick([...alphabet])).join('');

  test('names: the same Resources decide, for 20,000 random look-ups', () => {
    for (let round = 0; round < 200; round++) {
      const resources = Array.from({ length: 30 }, (_, i) =>
        resource(`res_${i}`, text('ab.*?', 6), { tcp: [{ from: 1, to: 1 + Math.floor(random() * 3) }] }),
      );
      const matcher = compile(resources);
      for (let i = 0; i < 100; i++) {
        const destination = tcp(text('ab.', 7), 1 + Math.floor(random() * 4));
        expect(summary(matcher.find(destination))).toBe(naive(resources, destination));
      }
    }
  });

  test('addresses: the same Resources decide, v4 and v6', () => {
    for (let round = 0; round < 100; round++) {
      const resources = Array.from({ length: 40 }, (_, i) => {
        const v6 = random() < 0.5;
        const address = v6
          ? `fd00::${text('01f', 3)}`
          : `10.0.${pick([0, 1, 255])}.${pick([0, 1, 128, 255])}`;
        const length = Math.floor(random() * (v6 ? 129 : 33));
        return resource(`res_${i}`, random() < 0.3 ? address : `${address}/${length}`);
      });
      const matcher = compile(resources);
      for (let i = 0; i < 100; i++) {
        const host = pick([
          `10.0.${pick([0, 1, 2, 255])}.${pick([0, 1, 127, 255])}`,
          `fd00::${text('01f', 4)}`,
          `::ffff:10.0.0.${pick([0, 1, 128])}`,
        ]);
        expect(summary(matcher.find(tcp(host)))).toBe(naive(resources, tcp(host)));
      }
    }
  });

  test('one Resource judged alone agrees with a matcher of one', () => {
    for (let i = 0; i < 5_000; i++) {
      const one = resource('res_one', text('ab.*?', 6));
      const destination = tcp(text('ab.', 6));
      expect(summary(judgeOne(one, destination))).toBe(summary(compile([one]).find(destination)));
    }
  });
});

describe('the work of a look-up does not grow with the number of Resources', () => {
  const kinds: Record<string, [(i: number) => string, string]> = {
    'literal names': [(i) => `host-${i}.internal`, 'host-7.internal'],
    'wildcards below a domain': [(i) => `*.team-${i}.internal`, 'db.team-7.internal'],
    'wildcards in front and within': [(i) => `*-${i}-*.internal`, 'db-7-a.internal'],
    'wildcards at the end': [(i) => `host-${i}-*`, 'host-7-a.internal'],
    'single characters': [(i) => `host-${i}-?.internal`, 'host-7-b.internal'],
    'IPv4 addresses': [(i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, '10.0.0.7'],
    'IPv6 prefixes': [
      (i) => `2001:db8:${(i >> 16).toString(16)}:${(i & 65535).toString(16)}::/64`,
      '2001:db8:0:7::1',
    ],
  };
  for (const [name, [address, host]] of Object.entries(kinds)) {
    test(name, () => {
      const visits = (count: number) => {
        const matcher = compile(Array.from({ length: count }, (_, i) => resource(`res_${i}`, address(i))));
        expect(matcher.find(tcp(host))).toMatchObject({ ok: true, resource: { id: 'res_7' } });
        return matcher.visits;
      };
      // At 10 much of the tree is one unsplit tail; depth is bounded by the length of the host alone.
      const most = 8 * Math.max(16, host.length);
      expect(visits(10)).toBeLessThanOrEqual(most);
      expect(visits(100_000)).toBeLessThanOrEqual(most);
    });
  }
});

function summary(verdict: ReturnType<ReturnType<typeof compile>['find']>): string {
  if (verdict.ok) return verdict.resource.id;
  return verdict.code === 'port_denied' ? `${verdict.resource.id} port_denied` : verdict.code;
}

/** Every Resource, one by one, by regular expression. */
function naive(resources: AclResource[], destination: Destination): string {
  const host = canonicalHost(destination.host);
  if (host === undefined) return 'not_a_resource';
  const ip = parseIp(host);
  let best: AclResource[] = [];
  let rank = -1;
  for (const one of resources) {
    const own = parseIp(one.address);
    const prefix = own ? { ip: own, length: 8 * own.bytes.length } : parsePrefix(one.address);
    let mine = -1;
    if (prefix) mine = ip && contains(prefix, ip) ? prefix.length : -1;
    else if (!ip) {
      const pattern = one.address.replace(/\./g, '\\.').replace(/\*/g, '.*').replace(/\?/g, '.');
      if (new RegExp(`^${pattern}$`).test(host)) {
        mine = one.address.replace(/[*?]/g, '').length + (/[*?]/.test(one.address) ? 0 : 1000);
      }
    }
    if (mine > rank) [best, rank] = [[one], mine];
    else if (mine === rank && mine >= 0) best.push(one);
  }
  if (best.length === 0) return 'not_a_resource';
  const open = best.find((one) => allowsPort(one, destination));
  return open ? open.id : `${best[0]!.id} port_denied`;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
