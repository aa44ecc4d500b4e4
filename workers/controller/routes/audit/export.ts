/** GET /audit/export: the same as the list, as a file. */
import { auditEntries } from '#schema/db/tables.ts';
import { type Ask, adminRoute, answer, raw } from '../../admin-route.ts';
import { download, downloadPage, downloadQuery, downloadTypes } from '../../download.ts';
import { namesOf } from '../../names.ts';
import { newestPage, span } from '../../paginate.ts';
import { filters, matching, show } from './shape.ts';

const columns = [
  ...['at', 'actor', 'actor_name', 'action', 'target_kind', 'target', 'target_name'],
  ...['before', 'after', 'request_id', 'address', 'id'],
];

export const exportAudit = adminRoute(
  {
    method: 'get',
    path: '/audit/export',
    tag: 'Events',
    summary: 'Download audit entries',
    description: 'Newest first, at most 100,000: narrow the span of time for those before.',
    needs: 'audit:read',
    query: downloadQuery.extend({ ...filters, ...span }),
    answer: raw,
    produces: downloadTypes,
  },
  async (ask) => {
    const { format } = ask.query;
    return answer(download({ name: 'sallyport-audit', format, columns, pages: pages(ask) }));
  },
);

async function* pages({ scope, query }: Ask<unknown, Parameters<typeof matching>[1]>) {
  const where = matching(scope, query);
  for (let cursor: string | undefined; ; ) {
    const found = await newestPage(scope, auditEntries, { limit: downloadPage, cursor }, where);
    if (!found.ok || found.rows.length === 0) return;
    const names = await namesOf(
      scope,
      found.rows.flatMap(({ actor, targetId }) => [actor, targetId]),
    );
    yield found.rows.map(show).map(({ target, ...item }) => ({
      ...item,
      actor_name: names[item.actor] ?? null,
      target: target.id,
      target_kind: target.kind,
      target_name: names[target.id] ?? null,
    }));
    if (found.next_cursor === null) return;
    cursor = found.next_cursor;
  }
}
