/** Proves schema/name: one canonical text for every address and host, and which are reserved. */
import { expect, test } from 'vitest';
import { canonicalHost } from '#schema/name/host.ts';
import { formatIp, formatPrefix, networkOf, overlaps, parseIp, parsePrefix } from '#schema/name/ip.ts';
import { reservedKind, reservedPrefix } from '#schema/name/reserved.ts';

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::', '::'],
  ['::ffff:10.0.0.5', '10.0.0.5'],
  ['::FFFF:a00:5', '10.0.0.5'],
  ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
])('%s is written %s', (text, canonical) => expect(formatIp(parseIp(text)!)).toBe(canonical));

test.each([
  '01.2.3.4',
  '1.2.3',
  '1.2.3.256',
  '1.2.3.4::',
  ':1',
  '1:',
  '1::2::3',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  'fe80::1%eth0',
  '[::1]',
  '',
])('%s is no address', (text) => expect(parseIp(text)).toBeUndefined());

test('prefixes', () => {
  const network = (text: string) => formatPrefix(networkOf(parsePrefix(text)!));
  expect(network('10.1.2.3/8')).toBe('10.0.0.0/8');
  expect(network('::ffff:10.0.0.1/104')).toBe('10.0.0.0/8');
  expect(network('2001:db8:ffff::/33')).toBe('2001:db8:8000::/33');
  expect([parsePrefix('10.0.0.0/33'), parsePrefix('10.0.0.0/08'), parsePrefix('::/129')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(overlaps(parsePrefix('100.64.0.0/10')!, parsePrefix('100.96.0.0/12')!)).toBe(true);
  expect(overlaps(parsePrefix('100.64.0.0/12')!, parsePrefix('100.96.0.0/12')!)).toBe(false);
});

test.each([
  ['127.8.9.1', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['2002:a9fe:a9fe::1', 'metadata'],
  ['169.254.169.254', 'metadata'],
  ['169.254.1.1', 'link_local'],
  ['fe80::1', 'link_local'],
  ['224.0.0.1', 'multicast'],
  ['0.0.0.0', 'unspecified'],
  ['100.100.0.1', 'synthetic'],
  ['10.0.0.1', undefined],
  ['fd00::1', undefined],
])('%s is reserved as %s', (text, kind) => expect(reservedKind(parseIp(text)!)).toBe(kind));

test('a prefix is reserved when it lies wholly in a reserved range', () => {
  expect(reservedPrefix(parsePrefix('127.0.0.0/24')!)).toBe('loopback');
  expect(reservedPrefix(parsePrefix('0.0.0.0/0')!)).toBeUndefined();
});

test.each([
  ['DB.Internal.', 'db.internal'],
  ['[2001:DB8::1]', '2001:db8::1'],
  ['_ldap._tcp.corp', '_ldap._tcp.corp'],
  ['127.1', undefined],
  ['0x7f.0x1', undefined],
  ['a..b', undefined],
  ['-a.b', undefined],
  ['a b', undefined],
  ['*.int', undefined],
  ['münchen.int', undefined],
  [`${'a'.repeat(64)}.int`, undefined],
])('the host %s is %s', (text, host) => expect(canonicalHost(text)).toBe(host));
