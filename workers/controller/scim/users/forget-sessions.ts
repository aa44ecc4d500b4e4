/** What a person's sessions leave in the tables, and what is deleted with them. */
import { eq } from 'drizzle-orm';
import { consoleSessions, instances, userSessions } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import type { Scope, Statement } from '../../scope.ts';

export const forgetSessions = (scope: Scope, user: Id<'user'>): Statement[] => [
  scope.delete(instances, eq(instances.principalId, user)),
  scope.delete(userSessions, eq(userSessions.userId, user)),
  scope.delete(consoleSessions, eq(consoleSessions.userId, user)),
];
