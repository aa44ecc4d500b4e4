/** POST /Users. */
import { sql } from 'drizzle-orm';
import { users } from '#schema/db/tables.ts';
import { Change, mint } from '../../change.ts';
import type { Row } from '../../scope.ts';
import { refuseScim, scimRoute } from '../answer.ts';
import { readBody } from '../read-body.ts';
import { columnsOf, show } from './shape.ts';

export const createUser = scimRoute(async (ask) => {
  const { scope, now } = ask;
  const body = await readBody(ask.c);
  if (!body.ok) return body;
  const read = columnsOf(body.body);
  if (!read.ok) return read;
  const known = sql`lower(${users.userName}) = ${read.columns.userName.toLowerCase()}`;
  if (await scope.find(users, known))
    return refuseScim(409, 'There is a user of this userName.', 'uniqueness');
  const row: Row<typeof users> = {
    tenantId: scope.tenantId,
    id: mint(ask, 'user'),
    ...read.columns,
    source: 'scim',
    role: null,
    version: 1,
    createdAt: now,
    updatedAt: now,
    lastLoginAt: null,
  };
  const [shown] = await show(ask, [row]);
  const made = await new Change(ask)
    .write(scope.insert(users, row))
    .audit('create', 'user', row.id, { after: shown })
    .commit({ body: shown });
  if (!made.ok) return refuseScim(409, 'There is a user of this userName.', 'uniqueness');
  return { ok: true, status: 201, body: shown!, version: 1 };
});
