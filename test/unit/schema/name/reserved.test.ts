import { expect, test } from 'vitest';
import { parseIp } from '#schema/name/ip.ts';
import { reservedKind } from '#schema/name/reserved.ts';

const kindOf = (text: string) => reservedKind(parseIp(text)!);

test.each([
  '169.254.169.254',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  '168.63.129.16',
  '192.0.0.192',
])('%s is a cloud’s metadata service', (text) => {
  expect(kindOf(text)).toBe('metadata');
});

test('100.100.100.200 is refused among the synthetic addresses', () => {
  expect(kindOf('100.100.100.200')).toBe('synthetic');
});

test.each([
  '::ffff:127.0.0.1',
  '::127.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b:1::127.0.0.1',
  '64:ff9b:1:ffff::127.0.0.1',
  '2002:7f00:1::',
])('%s is loopback in other clothes', (text) => {
  expect(kindOf(text)).toBe('loopback');
});

test.each(['10.0.0.1', '192.168.1.1', '64:ff9b::10.0.0.1', '64:ff9b:1::10.0.0.1', 'fd12::1', '2001:db8::1'])(
  '%s may be a Resource',
  (text) => {
    expect(kindOf(text)).toBeUndefined();
  },
);
