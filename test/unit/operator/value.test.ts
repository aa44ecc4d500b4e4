/**
 * Texts of flags and the values that the API takes.
 */
import { expect, test } from 'vitest';
import type { Field } from '#node-agents/operator/command.ts';
import { fieldValue } from '#node-agents/operator/value.ts';

const value = (as: NonNullable<Field['as']>, text: string) => fieldValue({ flag: 'x', help: '', as }, text);

test.each([
  ['number', '7', 7],
  ['boolean', 'on', true],
  ['boolean', 'false', false],
  ['list', 'a,b', ['a', 'b']],
  ['pairs', 'a=1,b=x=y', { a: '1', b: 'x=y' }],
  ['ports', 'none', 'none'],
  [
    'ports',
    '80,8000-8100',
    [
      { from: 80, to: 80 },
      { from: 8000, to: 8100 },
    ],
  ],
  ['expiry', 'unlimited', null],
  ['expiry', '30', 30],
  ['clearable', '', null],
  ['clearable', 'x', 'x'],
] as const)('%s %s', (as, text, expected) => {
  expect(value(as, text)).toEqual(expected);
});

test.each([
  ['number', ''],
  ['number', 'many'],
  ['boolean', 'maybe'],
  ['pairs', 'a'],
  ['ports', '80;81'],
  ['expiry', 'soon'],
] as const)('%s refuses “%s” and says what it takes', (as, text) => {
  expect(() => value(as, text)).toThrow(`--x takes`);
});
