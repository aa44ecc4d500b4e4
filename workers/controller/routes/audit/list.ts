/** GET /audit: what administrators changed, newest first. */
import { z } from '@hono/zod-openapi';
import { auditEntries } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { namesOf } from '../../names.ts';
import { newestPage, pageOf, pageQuery, span } from '../../paginate.ts';
import { entry, filters, matching, show } from './shape.ts';

export const listAudit = adminRoute(
  {
    method: 'get',
    path: '/audit',
    tag: 'Events',
    summary: 'List audit entries',
    needs: 'audit:read',
    query: pageQuery.extend({ ...filters, ...span }),
    answer: pageOf(entry).extend({
      names: z.record(z.string(), z.string()).openapi({
        description: 'What actors and targets are called now; what was deleted is not among them.',
      }),
    }),
  },
  async ({ scope, query }) => {
    const found = await newestPage(scope, auditEntries, query, matching(scope, query));
    if (!found.ok) return found;
    const names = await namesOf(
      scope,
      found.rows.flatMap(({ actor, targetId }) => [actor, targetId]),
    );
    return answer({ items: found.rows.map(show), next_cursor: found.next_cursor, names });
  },
);
