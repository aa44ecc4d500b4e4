/** POST /Groups. */
import { eq } from 'drizzle-orm';
import { groups } from '#schema/db/tables.ts';
import { Change, mint } from '../../change.ts';
import type { Row } from '../../scope.ts';
import { refuseScim, scimRoute } from '../answer.ts';
import { readBody } from '../read-body.ts';
import { fieldsOf, show } from './shape.ts';
import { writeGroup } from './write.ts';

export const createGroup = scimRoute(async (ask) => {
  const { scope, now } = ask;
  const body = await readBody(ask.c);
  if (!body.ok) return body;
  const read = fieldsOf(body.body);
  if (!read.ok) return read;
  const { name, externalId, members } = read.fields;
  if (await scope.find(groups, eq(groups.name, name)))
    return refuseScim(409, 'There is a group of this displayName.', 'uniqueness');
  const row: Row<typeof groups> = {
    tenantId: scope.tenantId,
    id: mint(ask, 'group'),
    name,
    externalId,
    source: 'scim',
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
  const made = await new Change(ask)
    .write(scope.insert(groups, row))
    .audit('create', 'group', row.id, { after: { name, external_id: externalId } })
    .commit({ body: undefined });
  if (!made.ok) return refuseScim(409, 'There is a group of this displayName.', 'uniqueness');
  if (!members?.length) return { ok: true, status: 201, body: (await show(ask, [row]))[0]!, version: 1 };
  const filled = await writeGroup(ask, row, body.body);
  return filled.ok ? { ...filled, status: 201 } : filled;
});
