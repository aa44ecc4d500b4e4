/** A group as SCIM says it (RFC 7643 §4.2) and as the tables have it. */
import { sql } from 'drizzle-orm';
import { groupMembers, groups, users } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { among, type Row } from '../../scope.ts';
import { etagOf, refuseScim, type ScimAsk, type ScimRefusal } from '../answer.ts';
import type { Columns } from '../filter.ts';

export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const mostMembers = 20_000;

export const columns: Columns = {
  id: { column: sql`${groups.id}`, as: 'exact' },
  externalid: { column: sql`${groups.externalId}`, as: 'exact' },
  displayname: { column: sql`${groups.name}`, as: 'text' },
  'meta.created': { column: sql`${groups.createdAt}`, as: 'instant' },
  'meta.lastmodified': { column: sql`${groups.updatedAt}`, as: 'instant' },
};

export interface GroupFields {
  name: string;
  externalId: string | null;
  /** Undefined: not said. */
  members: string[] | undefined;
}

export function fieldsOf(resource: Record<string, unknown>): { ok: true; fields: GroupFields } | ScimRefusal {
  const find = (name: string) => Object.entries(resource).find(([key]) => key.toLowerCase() === name)?.[1];
  const name = find('displayname');
  if (typeof name !== 'string' || name.trim() === '' || name.length > 256)
    return refuseScim(400, 'displayName is missing or too long.', 'invalidValue');
  const externalId = find('externalid') ?? null;
  if (externalId !== null && (typeof externalId !== 'string' || externalId.length > 256))
    return refuseScim(400, 'externalId is no text, or too long.', 'invalidValue');
  const listed = find('members');
  if (listed !== undefined && (!Array.isArray(listed) || listed.length > mostMembers))
    return refuseScim(400, `members is not a list of at most ${mostMembers}.`, 'invalidValue');
  const members = listed?.map((one: unknown) => (one as { value?: unknown } | null)?.value);
  if (members?.some((one: unknown) => typeof one !== 'string'))
    return refuseScim(400, 'A member has no value.', 'invalidValue');
  return {
    ok: true,
    fields: { name: name.trim(), externalId, members: members && [...new Set(members as string[])] },
  };
}

/** Of these, the users that there are. */
export async function existing({ scope }: ScimAsk, ids: readonly string[]): Promise<Id<'user'>[]> {
  return (await scope.select(users, { where: among(users.id, ids) })).map(({ id }) => id);
}

/** `excludedAttributes=members` spares the longest part, as Entra asks. */
export async function show(ask: ScimAsk, rows: Row<typeof groups>[]): Promise<Record<string, unknown>[]> {
  if (rows.length === 0) return [];
  const { scope, base, c } = ask;
  const excluded = (c.req.query('excludedAttributes') ?? '').toLowerCase().split(/\s*,\s*/);
  const ids = rows.map(({ id }) => id);
  const members = excluded.includes('members')
    ? []
    : await scope.select(groupMembers, { where: among(groupMembers.groupId, ids) });
  const people = await scope.select(users, {
    where: among(
      users.id,
      members.map(({ userId }) => userId),
    ),
  });
  const named = new Map(people.map((user) => [user.id, user.name ?? user.userName]));
  const of = Map.groupBy(members, ({ groupId }) => groupId);
  return rows.map((row) => ({
    schemas: [groupSchema],
    id: row.id,
    ...(row.externalId !== null && { externalId: row.externalId }),
    displayName: row.name,
    ...(!excluded.includes('members') && {
      members: (of.get(row.id) ?? []).map(({ userId }) => ({
        value: userId,
        display: named.get(userId),
        $ref: `${base}/Users/${userId}`,
      })),
    }),
    meta: {
      resourceType: 'Group',
      created: new Date(row.createdAt).toISOString(),
      lastModified: new Date(row.updatedAt).toISOString(),
      location: `${base}/Groups/${row.id}`,
      version: etagOf(row.version),
    },
  }));
}
