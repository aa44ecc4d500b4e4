/** GET /Users/{id}. */
import { users } from '#schema/db/tables.ts';
import { refuseScim, scimRoute } from '../answer.ts';
import { show } from './shape.ts';

export const getUser = scimRoute(async (ask) => {
  const row = await ask.scope.byId(users, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such user.');
  return { ok: true, body: (await show(ask, [row]))[0]!, version: row.version };
});
