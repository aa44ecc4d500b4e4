/**
 * Writes what SCIM says of a person, whichever way it came: a change of `active` to false ends their sessions
 * and cuts their flows (`people/end-access.ts`). A user name that somebody else has is refused.
 */
import { and, eq, ne, sql } from 'drizzle-orm';
import { users } from '#schema/db/tables.ts';
import { Change } from '../../change.ts';
import { endAccess } from '../../people/end-access.ts';
import type { Row } from '../../scope.ts';
import { refuseScim, type ScimAsk, type ScimOutcome } from '../answer.ts';
import { columnsOf, show } from './shape.ts';

export async function writeUser(
  ask: ScimAsk,
  held: Row<typeof users>,
  resource: Record<string, unknown>,
): Promise<ScimOutcome> {
  const { scope, now } = ask;
  const read = columnsOf(resource);
  if (!read.ok) return read;
  const taken = and(
    sql`lower(${users.userName}) = ${read.columns.userName.toLowerCase()}`,
    ne(users.id, held.id),
  )!;
  if (await scope.find(users, taken)) return refuseScim(409, 'userName is somebody else’s.', 'uniqueness');
  // From now on the identity provider keeps them.
  const after = {
    ...held,
    ...read.columns,
    source: 'scim' as const,
    version: held.version + 1,
    updatedAt: now,
  };
  const { id, tenantId: _, ...changes } = after;
  const [before, shown] = await show(ask, [held, after]);
  const change = new Change(ask)
    .write(scope.update(users, changes, eq(users.id, id)))
    .audit('update', 'user', id, { before, after: shown });
  if (held.active && !after.active) await endAccess(change, ask, id);
  else if (held.active !== after.active) change.configuration();
  const made = await change.commit({ body: shown });
  if (!made.ok) return refuseScim(409, 'userName is somebody else’s.', 'uniqueness');
  return { ok: true, body: shown!, version: after.version };
}
