/**
 * What people read of an answer, and what programs do.
 */
import { expect, test } from 'vitest';
import { print } from '#node-agents/operator/print.ts';

function printed(answer: unknown, columns?: string[], json = false): string {
  const texts: string[] = [];
  print(answer, columns, json, { write: (text) => void texts.push(text) });
  return texts.join('');
}

test('a list is a table of the named columns, with the way to its next page', () => {
  const items = [
    { id: 'aud_1', at: 'noon', target: { kind: 'grant' }, more: 1 },
    { id: 'aud_22', at: 'one', target: { kind: 'key' }, more: 2 },
  ];
  expect(printed({ items, next_cursor: 'abc' }, ['id', 'target.kind'])).toBe(
    'ID      TARGET.KIND\naud_1   grant\naud_22  key\nmore: --cursor abc\n',
  );
  expect(printed({ items: [], next_cursor: null }, ['id'])).toBe('nothing\n');
});

test('one thing is a line for each field, what is inside it indented', () => {
  const answer = {
    name: 'db',
    alias: null,
    tcp: [
      { from: 80, to: 80 },
      { from: 443, to: 445 },
    ],
    receipt: { complete: true, agents: [{ id: 'con_1', ms: 3 }] },
  };
  expect(printed(answer)).toBe(
    'name: db\nalias: -\ntcp: 80,443-445\nreceipt:\n  complete: true\n  agents:\n    ID     MS\n    con_1  3\n',
  );
});

test('nothing that an agent says of itself steers the terminal', () => {
  expect(printed({ items: [{ hostname: 'a\u001b[2J\nb' }] }, ['hostname'])).toBe(
    'HOSTNAME\na\u{fffd}[2J\u{fffd}b\n',
  );
});

test('a program gets JSON always, also where there is no answer', () => {
  expect(JSON.parse(printed({ items: [], next_cursor: null }, ['id'], true))).toEqual({
    items: [],
    next_cursor: null,
  });
  expect(JSON.parse(printed(undefined, undefined, true))).toBeNull();
  expect(printed(undefined)).toBe('done\n');
});
