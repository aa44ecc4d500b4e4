/** PUT /Groups/{id}: the whole of it; without `members` it has none. */
import { groups } from '#schema/db/tables.ts';
import { refuseScim, scimRoute, staleMatch } from '../answer.ts';
import { readBody } from '../read-body.ts';
import { writeGroup } from './write.ts';

export const replaceGroup = scimRoute(async (ask) => {
  const row = await ask.scope.byId(groups, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such group.');
  const stale = staleMatch(ask.c, row.version);
  if (stale) return stale;
  const body = await readBody(ask.c);
  return body.ok ? writeGroup(ask, row, { members: [], ...body.body }) : body;
});
