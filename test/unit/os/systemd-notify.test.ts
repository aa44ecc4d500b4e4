/** What systemd is told; that it is told at all, a real one shows in `test/system/units.test.ts`. */
import { expect, test } from 'vitest';
import { stateOf } from '#node-agents/os/systemd-notify.ts';

test('news are one assignment a line', () => {
  expect(stateOf({ ready: true, status: 'up' })).toBe('READY=1\nSTATUS=up');
  expect(stateOf({ stopping: true })).toBe('STOPPING=1');
});

test('words from elsewhere bring no assignment of their own', () => {
  expect(stateOf({ status: 'no answer\nREADY=1' })).toBe('STATUS=no answer READY=1');
});
