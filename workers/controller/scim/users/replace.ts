/** PUT /Users/{id}: the whole of it. */
import { users } from '#schema/db/tables.ts';
import { refuseScim, scimRoute, staleMatch } from '../answer.ts';
import { readBody } from '../read-body.ts';
import { writeUser } from './write.ts';

export const replaceUser = scimRoute(async (ask) => {
  const row = await ask.scope.byId(users, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such user.');
  const stale = staleMatch(ask.c, row.version);
  if (stale) return stale;
  const body = await readBody(ask.c);
  return body.ok ? writeUser(ask, row, body.body) : body;
});
