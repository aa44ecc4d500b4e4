/** Which prefixes the device takes in, and how a change of the ACL changes them. */
import { expect, test } from 'vitest';
import { difference, prefixLimit, protectedPrefixes } from '#node-agents/client/tun/protected.ts';

const synthetic = ['100.96.0.0/12', 'fd53:616c:6c79::/48'];
const of = (...addresses: string[]) => protectedPrefixes(addresses).prefixes;

test('names need only the synthetic ranges; addresses and networks come as they are', () => {
  expect(of('web.corp.test', '*.corp.test')).toEqual(synthetic);
  expect(of('10.0.0.0/8', '10.0.0.5', 'fd66::/64', '10.0.0.5')).toEqual([
    ...synthetic,
    '10.0.0.0/8',
    '10.0.0.5/32',
    'fd66::/64',
  ]);
});

test('everything is two halves, so that the host’s default route stays what it is', () => {
  expect(of('0.0.0.0/0', '::/0')).toEqual([...synthetic, '0.0.0.0/1', '128.0.0.0/1', '8000::/1', '::/1']);
});

test('a table of routes does not grow without bounds', () => {
  const many = Array.from(
    { length: prefixLimit + 3 },
    (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
  );
  expect(protectedPrefixes(many)).toMatchObject({ left: 3, prefixes: { length: prefixLimit + 2 } });
});

test('a change is told as what comes and what goes', () => {
  expect(difference(of('10.0.0.5'), of('10.0.0.6'))).toEqual({
    add: ['10.0.0.6/32'],
    remove: ['10.0.0.5/32'],
  });
});
