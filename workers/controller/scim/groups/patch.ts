/** PATCH /Groups/{id} (RFC 7644 §3.5.2). */
import { groups } from '#schema/db/tables.ts';
import { refuseScim, scimRoute, staleMatch } from '../answer.ts';
import { patched } from '../patch.ts';
import { readBody } from '../read-body.ts';
import { show } from './shape.ts';
import { writeGroup } from './write.ts';

export const patchGroup = scimRoute(async (ask) => {
  const row = await ask.scope.byId(groups, ask.c.req.param('id') ?? '');
  if (!row) return refuseScim(404, 'There is no such group.');
  const stale = staleMatch(ask.c, row.version);
  if (stale) return stale;
  const body = await readBody(ask.c);
  if (!body.ok) return body;
  const [before] = await show(ask, [row]);
  // A member is named by its value alone: with more beside it, none would be found to be removed.
  const members = ((before!['members'] ?? []) as { value: string }[]).map(({ value }) => ({ value }));
  const after = patched({ ...before!, members }, body.body);
  return after.ok ? writeGroup(ask, row, { members: [], ...after.resource }) : after;
});
