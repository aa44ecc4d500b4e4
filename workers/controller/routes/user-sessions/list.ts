/** GET /user-sessions: people's logins on devices, oldest first, of one person or all. */
import { z } from '@hono/zod-openapi';
import { and, eq, gt, isNull, or } from 'drizzle-orm';
import { userSessions, users } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { liveByKey } from '../../presence.ts';
import { containing, naming } from '../../search.ts';
import { show, userSession } from './shape.ts';

export const listUserSessions = adminRoute(
  {
    method: 'get',
    path: '/user-sessions',
    tag: 'People',
    summary: 'List people’s logins on devices',
    needs: 'sessions:read',
    query: pageQuery.extend({
      user_id: z.string().max(64).optional(),
      active: z.enum(['true']).optional(),
    }),
    answer: pageOf(userSession),
  },
  async (ask) => {
    const { scope, query, now } = ask;
    const { user_id: user, active, q } = query;
    const where = and(
      user === undefined ? undefined : eq(userSessions.userId, user as never),
      active && and(isNull(userSessions.revokedAt), gt(userSessions.expiresAt, now)),
      q
        ? or(
            containing(q, userSessions.id, userSessions.hostname, userSessions.address),
            naming(scope, userSessions.userId, users, containing(q, users.userName, users.name)!),
          )
        : undefined,
    );
    const [found, live] = await Promise.all([page(scope, userSessions, query, where), liveByKey(ask)]);
    if (!found.ok) return found;
    const items = found.rows.map((row) => show(row, now, live.get(row.id) ?? 0));
    return answer({ items, next_cursor: found.next_cursor });
  },
);
