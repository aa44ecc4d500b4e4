/** PATCH /Users/{id} (RFC 7644 §3.5.2). */
import { users } from '#schema/db/tables.ts';
import { refuseScim, scimRoute, staleMatch } from '../answer.ts';
import { patched } from '../patch.ts';
import { readBody } from '../read-body.ts';
import { show } from './shape.ts';
import { writeUser } from './write.ts';

export const patchUser = scimRoute(async (ask) => {
  const row = await ask.scope.byId(users, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such user.');
  const stale = staleMatch(ask.c, row.version);
  if (stale) return stale;
  const body = await readBody(ask.c);
  if (!body.ok) return body;
  const [before] = await show(ask, [row]);
  const after = patched(before!, body.body);
  return after.ok ? writeUser(ask, row, after.resource) : after;
});
