/**
 * What ends when a person may no longer get in: their logins on devices with every flow behind them, and
 * their sessions in the console. Asked for by an administrator (`routes/users/`) or by SCIM; the order to cut
 * goes out with the change (`change.ts`). The person is not named in it: they may be let in again at once.
 */
import { and, desc, eq, isNull } from 'drizzle-orm';
import { consoleSessions, instances, userSessions } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import type { Change, ChangeOrigin } from '../change.ts';

/** The newest that are named to relays; Connectors cut by session. Bounds the order to one message. */
const namedInstances = 1_000;

export async function endAccess(
  change: Change,
  { scope, now }: Pick<ChangeOrigin, 'scope' | 'now'>,
  user: Id<'user'>,
): Promise<Change> {
  const ofUser = and(eq(userSessions.userId, user), isNull(userSessions.revokedAt))!;
  const [live, running] = await Promise.all([
    scope.select(userSessions, { where: ofUser }),
    scope.select(instances, {
      where: and(eq(instances.principalId, user), isNull(instances.revokedAt)),
      orderBy: [desc(instances.startedAt)],
      limit: namedInstances,
    }),
  ]);
  return change
    .write(
      scope.update(userSessions, { revokedAt: now }, ofUser),
      scope.update(
        consoleSessions,
        { revokedAt: now },
        and(eq(consoleSessions.userId, user), isNull(consoleSessions.revokedAt))!,
      ),
    )
    .revoke({ keys: live.map(({ id }) => id), jkts: running.map(({ jkt }) => jkt) })
    .floor(user);
}
