/** GET /console-sessions, oldest first, of one person or all. */
import { z } from '@hono/zod-openapi';
import { and, eq, or } from 'drizzle-orm';
import { consoleSessions, users } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { among } from '../../scope.ts';
import { containing, naming } from '../../search.ts';
import { consoleSession, show } from './shape.ts';

export const listConsoleSessions = adminRoute(
  {
    method: 'get',
    path: '/console-sessions',
    tag: 'People',
    summary: 'List people’s sessions in the console',
    needs: 'sessions:read',
    query: pageQuery.extend({ user_id: z.string().max(64).optional() }),
    answer: pageOf(consoleSession.extend({ user_name: z.string() }).openapi('ConsoleSessionOfUser')),
  },
  async ({ scope, query, now, session }) => {
    const { user_id: user, q } = query;
    const where = and(
      user === undefined ? undefined : eq(consoleSessions.userId, user as never),
      q
        ? or(
            containing(q, consoleSessions.id, consoleSessions.address, consoleSessions.userAgent),
            naming(scope, consoleSessions.userId, users, containing(q, users.userName, users.name)!),
          )
        : undefined,
    );
    const found = await page(scope, consoleSessions, query, where);
    if (!found.ok) return found;
    const people = await scope.select(users, {
      where: among(
        users.id,
        found.rows.map(({ userId }) => userId),
      ),
    });
    const names = new Map<string, string>(people.map(({ id, userName }) => [id, userName]));
    const items = found.rows.map((row) => ({
      ...show(row, now, session?.id),
      user_name: names.get(row.userId) ?? row.userId,
    }));
    return answer({ items, next_cursor: found.next_cursor });
  },
);
