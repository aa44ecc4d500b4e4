/** Proves schema/name/{synthetic,reverse}.ts. */
import { describe, expect, test } from 'vitest';
import { contains, formatIp, type Ip, parseIp, parsePrefix } from '#schema/name/ip.ts';
import { syntheticV4, syntheticV6 } from '#schema/name/reserved.ts';
import { addressOfReverse, reverseName } from '#schema/name/reverse.ts';
import {
  addressesAt,
  deviceAddresses,
  peerAddresses,
  reservedSlots,
  SyntheticNames,
  slotFor,
  slotOf,
} from '#schema/name/synthetic.ts';

const tenant = 'https://controller.test/t/acme';
const textOf = (names: SyntheticNames, name: string) => {
  const { v4, v6 } = names.assign(name)!;
  return [formatIp(v4), formatIp(v6)];
};
const many = (count: number) => Array.from({ length: count }, (_, i) => `host-${i}.corp.internal`);

describe('the address of a name', () => {
  test('is the same on every host and after every restart', () => {
    const here = new SyntheticNames(tenant);
    here.assign('other.internal');
    expect(textOf(here, 'db.internal')).toEqual(textOf(new SyntheticNames(tenant), 'db.internal'));
    expect(textOf(here, 'db.internal')).toEqual(textOf(here, 'db.internal'));
    expect(textOf(new SyntheticNames('https://other.test'), 'db.internal')).not.toEqual(
      textOf(here, 'db.internal'),
    );
    // Written down: it must not change between versions either.
    expect(textOf(here, 'db.internal')).toEqual(['100.100.51.71', 'fd53:616c:6c79::4:3347']);
  });

  test('lies in both ranges, outside what the device has', () => {
    const [v4, v6] = [parsePrefix(syntheticV4)!, parsePrefix(syntheticV6)!];
    for (const name of many(20_000)) {
      const slot = slotFor(tenant, name);
      expect(slot >= reservedSlots && slot < 2 ** 20 - 1).toBe(true);
      const addresses = addressesAt(slot);
      expect(contains(v4, addresses.v4) && contains(v6, addresses.v6)).toBe(true);
    }
    expect([formatIp(deviceAddresses.v4), formatIp(peerAddresses.v6)]).toEqual([
      '100.96.0.1',
      'fd53:616c:6c79::2',
    ]);
  });

  test('leads back to the name, in both families', () => {
    const names = new SyntheticNames(tenant);
    const { v4, v6 } = names.assign('db.internal')!;
    expect([names.nameOf(v4), names.nameOf(v6)]).toEqual(['db.internal', 'db.internal']);
    expect([names.nameOf(deviceAddresses.v4), names.nameOf(parseIp('10.0.0.1')!)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(slotOf(parseIp('100.112.0.0')!)).toBeUndefined();
    expect(slotOf(parseIp('fd53:616c:6c79:1::5')!)).toBeUndefined();
    expect(slotOf(parseIp('fd53:616c:6c79::100:0')!)).toBeUndefined();
    expect(slotOf(addressesAt(70_000).v6)).toBe(70_000);
  });

  test('is nobody else’s: among 20,000 names some want the same, and none shares', () => {
    const names = many(20_000);
    const wanted = new Set(names.map((name) => slotFor(tenant, name)));
    expect(wanted.size).toBeLessThan(names.length);
    // About as many as chance allows (n²/2m ≈ 190).
    expect(names.length - wanted.size).toBeLessThan(300);
    const kept = new SyntheticNames(tenant);
    kept.keep(names);
    const given = names.map((name) => slotOf(kept.assign(name)!.v4)!);
    expect(new Set(given).size).toBe(names.length);
    const elsewhere = new SyntheticNames(tenant);
    elsewhere.keep(names.toReversed());
    expect(names.map((name) => slotOf(elsewhere.assign(name)!.v4))).toEqual(given);
  });
});

describe('names that were only seen', () => {
  test('are forgotten, the longest unused first, when there are too many', () => {
    const names = new SyntheticNames(tenant, 3);
    names.keep(['kept.internal']);
    const first = names.assign('a.x')!;
    for (const name of ['b.x', 'c.x']) names.assign(name);
    expect(names.nameOf(first.v4)).toBe('a.x'); // used again
    names.assign('d.x');
    expect(names.seen).toEqual(['c.x', 'a.x', 'd.x']);
    expect(names.size).toBe(4);
    for (const name of many(100)) names.assign(name);
    expect([names.size, names.nameOf(names.assign('kept.internal')!.v4)]).toEqual([4, 'kept.internal']);
  });

  test('keep their address when they come into the ACL, and when they leave it', () => {
    const names = new SyntheticNames(tenant, 3);
    const before: Ip = names.assign('a.x')!.v4;
    names.keep(['a.x']);
    expect([names.seen, names.nameOf(before)]).toEqual([[], 'a.x']);
    names.keep([]);
    expect([names.seen, names.nameOf(before)]).toEqual([['a.x'], 'a.x']);
  });
});

describe('reverse names', () => {
  test('lead to their address and back', () => {
    for (const text of ['10.0.0.5', '255.1.0.99', '2001:db8::1', 'fd53:616c:6c79::4:3347']) {
      const ip = parseIp(text)!;
      expect(formatIp(addressOfReverse(reverseName(ip))!)).toBe(text);
    }
    expect(reverseName(parseIp('10.0.0.5')!)).toBe('5.0.0.10.in-addr.arpa');
  });

  test('of less than an address are none', () => {
    for (const name of [
      '0.10.in-addr.arpa',
      '1.2.3.4.5.in-addr.arpa',
      '256.0.0.10.in-addr.arpa',
      '05.0.0.10.in-addr.arpa',
      'a.ip6.arpa',
      'in-addr.arpa',
      'db.internal',
    ])
      expect([name, addressOfReverse(name)]).toEqual([name, undefined]);
  });
});
