import { expect, test } from 'vitest';
import { complaint, exitCodes, exitNameOf } from '#node-agents/process/exit.ts';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';

const numberOf = (code: ErrorCode) => exitCodes[exitNameOf(new SallyportError(code))].number;

test('each kind of end has its own exit code', () => {
  expect(numberOf('key_revoked')).toBe(3);
  expect(numberOf('enrolment_used')).toBe(3);
  expect(numberOf('connector_revoked')).toBe(3);
  expect(numberOf('config_invalid')).toBe(2);
  expect(numberOf('key_file_invalid')).toBe(4);
  expect(numberOf('state_permissions')).toBe(4);
  expect(numberOf('controller_unreachable')).toBe(5);
  expect(numberOf('address_in_use')).toBe(6);
  expect(numberOf('protocol_error')).toBe(1);
  expect(exitNameOf(new TypeError('ours'))).toBe('failure');
});

test('a complaint is one line: what, then the remedy', () => {
  expect(complaint(new SallyportError('key_revoked'))).toBe(
    'The Service Key has been revoked. Create a new Service Key and replace the file.',
  );
  expect(complaint(new SallyportError('state_unreadable', '/state is a file.'))).toMatch(
    /^\/state is a file\. Make it/,
  );
  expect(complaint(new Error('a\n    at file.ts:1'))).not.toContain('\n');
});
