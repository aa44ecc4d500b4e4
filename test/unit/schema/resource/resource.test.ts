/**
 * Aliases, ports and the overlap of Resources.
 */
import { describe, expect, test } from 'vitest';
import { parseAlias } from '#schema/resource/alias.ts';
import { haveCommonText, overlapOf } from '#schema/resource/overlap.ts';
import { canonicalPorts } from '#schema/resource/ports.ts';

describe('alias', () => {
  test('is a name with a dot, in canonical form', () => {
    expect(parseAlias('DB.Corp.Int.', 'ip')).toEqual({ ok: true, alias: 'db.corp.int' });
  });
  test.each(['db', 'db.local', '*.corp.int', 'db-?.corp', '10.0.0.5', 'a b.c', ''])('is not %j', (text) =>
    expect(parseAlias(text, 'name')).toMatchObject({ ok: false, code: 'alias_invalid' }),
  );
  test.each(['network', 'wildcard'] as const)('is not for a %s', (kind) =>
    expect(parseAlias('db.corp.int', kind)).toMatchObject({ code: 'alias_invalid' }),
  );
});

describe('ports', () => {
  test('are sorted and joined', () => {
    const ports = [
      { from: 443, to: 443 },
      { from: 80, to: 90 },
      { from: 85, to: 100 },
      { from: 101, to: 101 },
    ];
    expect(canonicalPorts(ports)).toEqual({
      ok: true,
      ports: [
        { from: 80, to: 101 },
        { from: 443, to: 443 },
      ],
    });
  });
  test('of the whole range are all, of no range none', () => {
    expect(canonicalPorts([{ from: 1, to: 65535 }])).toEqual({ ok: true, ports: 'all' });
    expect(canonicalPorts([])).toEqual({ ok: true, ports: 'none' });
  });
  test.each([
    [0, 80],
    [80, 65536],
    [90, 80],
    [1.5, 2],
  ])('%d–%d are refused', (from, to) =>
    expect(canonicalPorts([{ from, to }])).toMatchObject({ code: 'ports_invalid' }),
  );
});

describe('overlap', () => {
  const of = (a: string, b: string, alias?: string) => {
    const found = overlapOf({ id: 'res_1', address: a, alias: alias ?? null }, { id: 'res_2', address: b });
    return found && `${found.wins} ${found.why}`;
  };
  test.each([
    ['10.0.0.5', '10.0.0.0/24', 'this longer_prefix'],
    ['10.0.0.0/8', '10.1.0.0/16', 'other longer_prefix'],
    ['10.0.0.0/24', '10.0.1.0/24', undefined],
    ['2001:db8::/32', '2001:db8:1::1', 'other longer_prefix'],
    ['0.0.0.0/0', '::/0', undefined],
    ['10.0.0.5', '10.0.0.5', 'this older'],
    ['db.internal', '*.internal', 'this literal_name'],
    ['*.internal', '*.db.internal', 'other more_literal_characters'],
    ['*.a.int', 'a.int', undefined],
    ['db-?.internal', 'db-*.internal', 'this older'],
    ['a*.int', '*b.int', 'this older'],
    ['a*.int', 'b*.int', undefined],
    ['10.0.0.5', '*.internal', undefined],
  ])('%s and %s: %s', (a, b, expected) => expect(of(a, b)).toBe(expected));

  test('counts the alias as a second literal name', () => {
    expect(of('10.0.0.5', '*.corp.int', 'db.corp.int')).toBe('this literal_name');
  });

  test('patterns have a text in common in either order or in none', () => {
    const patterns = ['*', 'a', '?', 'a*', '*a', 'a?c', '*b*', 'abc', '??', 'a*c*e', '*c'];
    for (const a of patterns) {
      expect(haveCommonText(a, a)).toBe(true);
      for (const b of patterns) expect(haveCommonText(a, b)).toBe(haveCommonText(b, a));
    }
    expect(haveCommonText('a*c*e', 'abcde')).toBe(true);
    expect(haveCommonText('??', 'abc')).toBe(false);
  });
});
