/** GET /Groups, filtered and in pages. */
import { groups } from '#schema/db/tables.ts';
import { scimRoute } from '../answer.ts';
import { whereOf } from '../filter.ts';
import { scimPage } from '../page.ts';
import { columns, show } from './shape.ts';

export const listGroups = scimRoute(async (ask) => {
  const filter = whereOf(ask.c.req.query('filter'), columns);
  if (!filter.ok) return filter;
  return { ok: true, body: await scimPage(ask, groups, filter.where, (rows) => show(ask, rows)) };
});
