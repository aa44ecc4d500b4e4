/** Writes what SCIM says of a group. Whoever leaves it loses at once what they had by it alone. */
import { and, eq, ne } from 'drizzle-orm';
import { groupMembers, groups } from '#schema/db/tables.ts';
import { Change } from '../../change.ts';
import { among, type Row } from '../../scope.ts';
import { refuseScim, type ScimAsk, type ScimOutcome } from '../answer.ts';
import { existing, fieldsOf, show } from './shape.ts';

/** Rows of one statement: D1 takes 100 parameters. */
const atOnce = 30;

export async function writeGroup(
  ask: ScimAsk,
  held: Row<typeof groups>,
  resource: Record<string, unknown>,
): Promise<ScimOutcome> {
  const { scope, now } = ask;
  const read = fieldsOf(resource);
  if (!read.ok) return read;
  const { name, externalId, members } = read.fields;
  const taken = and(eq(groups.name, name), ne(groups.id, held.id))!;
  if (await scope.find(groups, taken))
    return refuseScim(409, 'displayName is another group’s.', 'uniqueness');
  const here = await scope.select(groupMembers, { where: eq(groupMembers.groupId, held.id) });
  const before = new Set(here.map(({ userId }) => userId));
  const wanted = new Set(members ? await existing(ask, members) : before);
  const added = [...wanted].filter((id) => !before.has(id));
  const removed = [...before].filter((id) => !wanted.has(id));
  const after = {
    ...held,
    name,
    externalId,
    source: 'scim' as const,
    version: held.version + 1,
    updatedAt: now,
  };
  const { id, tenantId: _, ...changes } = after;
  const change = new Change(ask)
    .write(scope.update(groups, changes, eq(groups.id, id)))
    .audit('update', 'group', id, { before: { name: held.name }, after: { name, added, removed } });
  for (let at = 0; at < added.length; at += atOnce) {
    const rows = added.slice(at, at + atOnce).map((userId) => ({ groupId: id, userId }));
    change.write(scope.insert(groupMembers, rows[0]!, ...rows.slice(1)).onConflictDoNothing());
  }
  if (removed.length > 0) {
    change.write(
      scope.delete(groupMembers, and(eq(groupMembers.groupId, id), among(groupMembers.userId, removed))!),
    );
    change.floor(...removed);
  }
  if (added.length > 0) change.configuration();
  const made = await change.commit({ body: undefined });
  if (!made.ok) return refuseScim(409, 'displayName is another group’s.', 'uniqueness');
  return { ok: true, body: (await show(ask, [after]))[0]!, version: after.version };
}
