/**
 * What may be the address of a Resource, what may not, and that there is one text for each.
 */
import { describe, expect, test } from 'vitest';
import { parseAddress } from '#schema/resource/address.ts';

const strict = { allowReserved: false };
const address = (text: string, o = strict) => {
  const verdict = parseAddress(text, o);
  return verdict.ok ? `${verdict.kind} ${verdict.address}` : verdict.code;
};

describe('the canonical text', () => {
  test.each([
    ['10.0.0.5', 'ip 10.0.0.5'],
    [' 10.0.0.5 ', 'ip 10.0.0.5'],
    ['10.0.0.5/32', 'ip 10.0.0.5'],
    ['10.0.0.0/24', 'network 10.0.0.0/24'],
    ['0.0.0.0/0', 'network 0.0.0.0/0'],
    ['2001:DB8:0:0:0:0:0:1', 'ip 2001:db8::1'],
    ['2001:db8::1/128', 'ip 2001:db8::1'],
    ['FD12:3456::/32', 'network fd12:3456::/32'],
    ['::ffff:10.0.0.5', 'ip 10.0.0.5'],
    ['::ffff:10.0.0.0/120', 'network 10.0.0.0/24'],
    ['DB.Internal', 'name db.internal'],
    ['db.internal.', 'name db.internal'],
    ['postgres', 'name postgres'],
    ['_ldap._tcp.corp.int', 'name _ldap._tcp.corp.int'],
    ['bücher.example', 'name xn--bcher-kva.example'],
    ['*.Internal', 'wildcard *.internal'],
    ['**.internal', 'wildcard *.internal'],
    ['db-?.internal', 'wildcard db-?.internal'],
    ['*', 'address_invalid'],
  ])('%s is %s', (text, expected) => expect(address(text)).toBe(expected));
});

describe('refusals', () => {
  test.each([
    ['', 'address_invalid'],
    ['https://db.internal', 'address_invalid'],
    ['db.internal:5432', 'address_invalid'],
    ['[2001:db8::1]', 'address_invalid'],
    ['[2001:db8::1]:443', 'address_invalid'],
    ['10.0.0.5, 10.0.0.6', 'address_invalid'],
    ['10.0.0', 'address_invalid'],
    ['10.0.0.256', 'address_invalid'],
    ['010.0.0.1', 'address_invalid'],
    ['0x7f.1', 'address_invalid'],
    ['１２７.０.０.１', 'address_invalid'],
    ['10.0.0.0/33', 'address_invalid'],
    ['10.0.0.0/x', 'address_invalid'],
    ['10.0.*', 'address_invalid'],
    ['-db.internal', 'address_invalid'],
    ['db..internal', 'address_invalid'],
    [`${'a'.repeat(64)}.internal`, 'address_invalid'],
    ['db.internal/path', 'address_invalid'],
    ['10.0.0.5/24', 'address_host_bits'],
    ['2001:db8::1/64', 'address_host_bits'],
    ['127.0.0.1', 'address_reserved'],
    ['127.0.0.0/8', 'address_reserved'],
    ['localhost', 'address_reserved'],
    ['db.localhost', 'address_reserved'],
    ['169.254.169.254', 'address_reserved'],
    ['169.254.0.0/16', 'address_reserved'],
    ['fe80::1', 'address_reserved'],
    ['::1', 'address_reserved'],
    ['::ffff:127.0.0.1', 'address_reserved'],
    ['100.96.0.7', 'address_reserved'],
    ['100.100.0.0/16', 'address_reserved'],
    ['224.0.0.1', 'address_reserved'],
  ])('%s: %s', (text, expected) => expect(address(text)).toBe(expected));

  test('host bits come with the network that was meant', () => {
    const verdict = parseAddress('10.1.2.3/16', strict);
    expect(!verdict.ok && verdict.detail).toContain('10.1.0.0/16');
    const six = parseAddress('2001:db8::1/64', strict);
    expect(!six.ok && six.detail).toContain('2001:db8::/64');
  });
});

describe('allow_reserved', () => {
  test.each(['127.0.0.1', '169.254.169.254', 'localhost', 'fe80::/10'])('admits %s', (text) =>
    expect(parseAddress(text, { allowReserved: true }).ok).toBe(true),
  );
  test.each(['100.96.0.1', '100.111.255.0/24', 'fd53:616c:6c79::1'])('never admits %s', (text) =>
    expect(address(text, { allowReserved: true })).toBe('address_reserved'),
  );
});

test('the canonical text is its own canonical text', () => {
  for (const text of ['2001:DB8::/32', 'DB.Internal.', '*.A.int', '10.0.0.5/32', 'bücher.example']) {
    const once = parseAddress(text, strict);
    if (!once.ok) throw new Error(text);
    expect(parseAddress(once.address, strict)).toEqual(once);
  }
});
