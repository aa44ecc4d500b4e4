/** GET /events/export: the same as a list of events, as a file with the names of what the ids mean. */
import { events } from '#schema/db/tables.ts';
import { type Ask, adminRoute, answer, raw } from '../../admin-route.ts';
import { download, downloadPage, downloadQuery, downloadTypes } from '../../download.ts';
import { newestPage, span } from '../../paginate.ts';
import { type EventQuery, filters, matching } from './filters.ts';
import { event, namesIn, show } from './shape.ts';

const named = ['principal', 'key', 'instance', 'resource', 'network', 'connector', 'relay'] as const;
const columns = Object.keys(event.shape).flatMap((column) =>
  named.some((one) => one === column) ? [column, `${column}_name`] : [column],
);

export const exportEvents = adminRoute(
  {
    method: 'get',
    path: '/events/export',
    tag: 'Events',
    summary: 'Download events of flows',
    description: 'Newest first, at most 100,000: narrow the span of time for those before.',
    needs: 'events:read',
    query: downloadQuery.extend({ ...filters, ...span }),
    answer: raw,
    produces: downloadTypes,
  },
  async (ask) => {
    const { format } = ask.query;
    return answer(download({ name: 'sallyport-events', format, columns, pages: pages(ask) }));
  },
);

async function* pages(ask: Ask<unknown, EventQuery>) {
  const { scope, query } = ask;
  const where = matching(scope, query);
  for (let cursor: string | undefined; ; ) {
    const found = await newestPage(scope, events, { limit: downloadPage, cursor }, where);
    if (!found.ok || found.rows.length === 0) return;
    const names = await namesIn(ask, found.rows);
    yield found.rows.map(show).map((item) => ({
      ...item,
      ...Object.fromEntries(named.map((one) => [`${one}_name`, names[item[one] ?? ''] ?? null])),
    }));
    if (found.next_cursor === null) return;
    cursor = found.next_cursor;
  }
}
