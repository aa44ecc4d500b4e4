/** Whether the principal could log in now: a machine by a Service Key, a person by a login on a device. */
import { and, desc, eq, gt, isNull } from 'drizzle-orm';
import { serviceKeys, userSessions, type users } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { stateOf } from '#schema/service-key/life.ts';
import type { Ask } from '../../admin-route.ts';
import type { Row } from '../../scope.ts';
import type { Finding } from './shape.ts';

const mostSessions = 50;

export async function keyFinding({ scope, now }: Ask, account: Id<'serviceAccount'>): Promise<Finding> {
  const keys = await scope.select(serviceKeys, { where: eq(serviceKeys.serviceAccountId, account) });
  const states = keys.map((key) => stateOf(key, now));
  const active = states.filter((state) => state === 'active').length;
  const check = 'service_key';
  if (active > 0) return { check, ok: true, detail: `${active} active ${active === 1 ? 'key' : 'keys'}` };
  if (keys.length === 0)
    return { check, ok: false, code: 'credential_unknown', detail: 'it has no Service Key' };
  const code = states.includes('revoked') ? 'key_revoked' : 'key_expired';
  const counts = [...Map.groupBy(states, (state) => state)].map(([state, all]) => `${all.length} ${state}`);
  return { check, ok: false, code, detail: `none of its keys is active: ${counts.join(', ')}` };
}

/** Their live logins on devices, the latest first. */
export const sessionsOf = ({ scope, now }: Ask, user: Id<'user'>): Promise<Row<typeof userSessions>[]> =>
  scope.select(userSessions, {
    where: and(
      eq(userSessions.userId, user),
      isNull(userSessions.revokedAt),
      gt(userSessions.expiresAt, now),
    ),
    orderBy: [desc(userSessions.createdAt)],
    limit: mostSessions,
  });

export function personFindings(
  { active, name, userName }: Row<typeof users>,
  sessions: readonly Row<typeof userSessions>[],
): Finding[] {
  const who = name ?? userName;
  const user: Finding = active
    ? { check: 'user', ok: true, detail: `${who} is active` }
    : { check: 'user', ok: false, code: 'user_inactive', detail: `${who} was deactivated` };
  const on = sessions.map(({ hostname }) => hostname ?? 'a device').join(', ');
  const session: Finding =
    sessions.length > 0
      ? { check: 'session', ok: true, detail: `logged in on ${on}` }
      : { check: 'session', ok: false, code: 'session_ended', detail: `${who} is logged in on no device` };
  return [user, session];
}
