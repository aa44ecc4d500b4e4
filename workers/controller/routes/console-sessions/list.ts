/** GET /console-sessions, oldest first, of one person or all. */
import { z } from '@hono/zod-openapi';
import { eq } from 'drizzle-orm';
import { consoleSessions } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { consoleSession, show } from './shape.ts';

export const listConsoleSessions = adminRoute(
  {
    method: 'get',
    path: '/console-sessions',
    tag: 'People',
    summary: 'List people’s sessions in the console',
    needs: 'sessions:read',
    query: pageQuery.extend({ user_id: z.string().max(64).optional() }),
    answer: pageOf(consoleSession),
  },
  async ({ scope, query, now, session }) => {
    const where =
      query.user_id === undefined ? undefined : eq(consoleSessions.userId, query.user_id as never);
    const found = await page(scope, consoleSessions, query, where);
    if (!found.ok) return found;
    const items = found.rows.map((row) => show(row, now, session?.id));
    return answer({ items, next_cursor: found.next_cursor });
  },
);
