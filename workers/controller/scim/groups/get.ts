/** GET /Groups/{id}. */
import { groups } from '#schema/db/tables.ts';
import { refuseScim, scimRoute } from '../answer.ts';
import { show } from './shape.ts';

export const getGroup = scimRoute(async (ask) => {
  const row = await ask.scope.byId(groups, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such group.');
  return { ok: true, body: (await show(ask, [row]))[0]!, version: row.version };
});
