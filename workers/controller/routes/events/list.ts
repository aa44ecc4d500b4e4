/** GET /events: what happened to flows, newest first. One `connection` is the same on every component. */
import { events } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { newestPage, pageOf, pageQuery, span } from '../../paginate.ts';
import { filters, matching } from './filters.ts';
import { event, names, namesIn, show } from './shape.ts';

export const listEvents = adminRoute(
  {
    method: 'get',
    path: '/events',
    tag: 'Events',
    summary: 'List events of flows',
    needs: 'events:read',
    query: pageQuery.extend({ ...filters, ...span }),
    answer: pageOf(event).extend({ names }),
  },
  async (ask) => {
    const { scope, query } = ask;
    const found = await newestPage(scope, events, query, matching(scope, query));
    if (!found.ok) return found;
    return answer({
      items: found.rows.map(show),
      next_cursor: found.next_cursor,
      names: await namesIn(ask, found.rows),
    });
  },
);
