/**
 * The life table of a Service Key, row by row.
 */
import { expect, test } from 'vitest';
import { allowedIn, stateOf } from '#schema/service-key/life.ts';

test.each([
  [{ revokedAt: null, expiresAt: null }, 'active'],
  [{ revokedAt: null, expiresAt: 1001 }, 'active'],
  [{ revokedAt: null, expiresAt: 1000 }, 'expired'],
  [{ revokedAt: 500, expiresAt: null }, 'revoked'],
  [{ revokedAt: 500, expiresAt: 700 }, 'revoked'],
] as const)('%j is %s at 1000', (key, state) => expect(stateOf(key, 1000)).toBe(state));

test.each([
  ['active', ['revoke', 'rename']],
  ['revoked', ['delete']],
  ['expired', ['delete']],
] as const)('%s allows %j alone', (state, actions) => expect(allowedIn(state)).toEqual(actions));
