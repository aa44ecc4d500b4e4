/** Proves workers/controller/describe-fault.ts: the log learns what failed, not with which values. */
import { DrizzleQueryError } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { describeFault } from '#workers/controller/describe-fault.ts';

const query = 'select * from "resources" where "address" = ?';

test('a failed query is told by its cause, without statement and parameters, and where it happened', () => {
  const cause = new Error('D1_ERROR: no such table: resources: SQLITE_ERROR');
  const error = new DrizzleQueryError(query, ['db.secret.internal\n    at secret'], cause);
  expect(error.stack).toContain('db.secret.internal');
  const told = describeFault(new Error('while listing', { cause: error }), { stack: true });
  expect(told).toMatch(/^Error: D1_ERROR: no such table: resources: SQLITE_ERROR\n {4}at /);
  expect(told).not.toContain('secret');
  expect(describeFault(error)).toBe('Error: D1_ERROR: no such table: resources: SQLITE_ERROR');
});

test('one without a cause says no more than that a query failed', () => {
  expect(describeFault(new DrizzleQueryError(query, ['db.secret.internal']))).toBe('Error: Failed query');
});

test('what is no error is not recited', () => {
  expect(describeFault('db.secret.internal')).toBe('string thrown');
});
