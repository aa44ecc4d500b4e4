/** What the kernel compares in a question is what the pattern means, for names that programs ask for. */
import { expect, test } from 'vitest';
import { type Piece, waysToMatch } from '#node-agents/os/name-bytes.ts';
import { matches } from '#schema/name/pattern-tree.ts';
import { wireOfName } from '#schema/name/wire-name.ts';

/** As the kernel does it: bytes that are not there are equal to nothing. */
const holds = (question: Uint8Array, { offset, value, mask }: Piece): boolean =>
  value.every((byte, i) => offset + i < question.length && (question[offset + i]! & mask[i]!) === byte);

const closes = (pattern: string, name: string): boolean => {
  const question = Uint8Array.of(...wireOfName(name)!, 0, 1, 0, 1);
  return waysToMatch(pattern).some((pieces) => pieces.every((piece) => holds(question, piece)));
};

const names = [
  ...['a.int', 'x.a.int', 'x.y.a.int', 'xa.int', 'a.int.example', 'b-a.int', 'int', 'A.Int', 'X.a.INT'],
  ...['db-1.corp.test', 'db-12.corp.test', 'db.corp.test', 'db-1.x.corp.test', 'web.corp.test', 'corp.test'],
  ...[
    'x-prod.int',
    '-prod.int',
    'x-prod.a.int',
    'x-thirteenchars.int',
    'x.thirteenchars.int',
    'db.x',
    'db',
    'dbx.y',
  ],
  `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(43)}.corp.test`,
];
const exact = [
  'a.int',
  'db.corp.test',
  '*.a.int',
  '*.corp.test',
  '*-prod.int',
  '*.thirteenchars.int',
  'db-*',
];

test.each(exact)('%s: exactly the names that it means', (pattern) => {
  for (const name of names)
    expect([name, closes(pattern, name)]).toEqual([name, matches(pattern, name.toLowerCase())]);
});

test.each([
  'db-?.corp.test',
  '*.a.*',
  'db-*.corp.test',
  'x.*.int',
  '?.a.int',
  'db.*',
  '*.a*',
  '*?a.y*',
  'x.y*.int',
  '*x*.a.int',
])('%s: no name less than it means', (pattern) => {
  const meant = names.filter((name) => matches(pattern, name.toLowerCase()));
  expect(meant.filter((name) => !closes(pattern, name))).toEqual([]);
  expect(names.some((name) => !closes(pattern, name))).toBe(true);
});
