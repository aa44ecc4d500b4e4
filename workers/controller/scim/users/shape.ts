/**
 * A person as SCIM says them (RFC 7643 §4.1) and as the table has them. What the Controller has no use for is
 * kept as it came, so that an identity provider reads back what it wrote.
 */
import { eq, sql } from 'drizzle-orm';
import { groupMembers, groups, users } from '#schema/db/tables.ts';
import { among, type Row, type Scope } from '../../scope.ts';
import { etagOf, refuseScim, type ScimAsk, type ScimRefusal } from '../answer.ts';
import type { Columns } from '../filter.ts';

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';

export type ScimUser = Record<string, unknown> & { userName: string; active: boolean };

export const columns: Columns = {
  id: { column: sql`${users.id}`, as: 'exact' },
  externalid: { column: sql`${users.externalId}`, as: 'exact' },
  username: { column: sql`${users.userName}`, as: 'text' },
  displayname: { column: sql`${users.name}`, as: 'text' },
  'name.formatted': { column: sql`${users.name}`, as: 'text' },
  'name.familyname': { column: sql`json_extract(${users.attributes}, '$.name.familyName')`, as: 'text' },
  'name.givenname': { column: sql`json_extract(${users.attributes}, '$.name.givenName')`, as: 'text' },
  emails: { column: sql`${users.email}`, as: 'text' },
  'emails.value': { column: sql`${users.email}`, as: 'text' },
  active: { column: sql`${users.active}`, as: 'boolean' },
  'meta.created': { column: sql`${users.createdAt}`, as: 'instant' },
  'meta.lastmodified': { column: sql`${users.updatedAt}`, as: 'instant' },
};

/** What the table has in columns of its own, or the server alone says. */
const own = new Set(['schemas', 'id', 'externalid', 'username', 'active', 'meta', 'groups', 'password']);

/** The columns that a resource means. @returns a refusal that names the attribute. */
export function columnsOf(resource: Record<string, unknown>):
  | {
      ok: true;
      columns: Pick<
        Row<typeof users>,
        'userName' | 'email' | 'name' | 'externalId' | 'active' | 'attributes'
      >;
    }
  | ScimRefusal {
  const find = (name: string) => Object.entries(resource).find(([key]) => key.toLowerCase() === name)?.[1];
  const userName = find('username');
  if (typeof userName !== 'string' || userName.trim() === '' || userName.length > 254)
    return refuseScim(400, 'userName is missing or too long.', 'invalidValue');
  const active = booleanOf(find('active') ?? true);
  if (active === undefined) return refuseScim(400, 'active is neither true nor false.', 'invalidValue');
  const externalId = find('externalid') ?? null;
  if (externalId !== null && (typeof externalId !== 'string' || externalId.length > 256))
    return refuseScim(400, 'externalId is no text, or too long.', 'invalidValue');
  const attributes = Object.fromEntries(
    Object.entries(resource).filter(([name]) => !own.has(name.toLowerCase())),
  );
  if (JSON.stringify(attributes).length > 32_768) return refuseScim(413, 'The user has too many attributes.');
  const email = emailOf(find('emails')) ?? (userName.includes('@') ? userName : null);
  return {
    ok: true,
    columns: { userName: userName.trim(), email, name: nameOf(resource), externalId, active, attributes },
  };
}

export async function show(
  { scope, base }: Pick<ScimAsk, 'scope' | 'base'>,
  rows: Row<typeof users>[],
): Promise<(ScimUser & object)[]> {
  if (rows.length === 0) return [];
  const of = await groupsOf(
    scope,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({
    schemas: [userSchema, ...Object.keys(row.attributes).filter((name) => name.startsWith('urn:'))],
    ...row.attributes,
    id: row.id,
    ...(row.externalId !== null && { externalId: row.externalId }),
    userName: row.userName,
    active: row.active,
    ...(row.name !== null && { displayName: row.name }),
    ...(row.attributes['emails'] === undefined &&
      row.email !== null && { emails: [{ value: row.email, type: 'work', primary: true }] }),
    groups: (of.get(row.id) ?? []).map(({ id, name }) => ({
      value: id,
      display: name,
      $ref: `${base}/Groups/${id}`,
    })),
    meta: {
      resourceType: 'User',
      created: new Date(row.createdAt).toISOString(),
      lastModified: new Date(row.updatedAt).toISOString(),
      location: `${base}/Users/${row.id}`,
      version: etagOf(row.version),
    },
  }));
}

async function groupsOf(scope: Scope, ids: string[]): Promise<Map<string, { id: string; name: string }[]>> {
  const members = await scope.select(groupMembers, { where: among(groupMembers.userId, ids) });
  const named = await scope.select(groups, {
    where: among(groups.id, [...new Set(members.map(({ groupId }) => groupId))]),
  });
  const byId = new Map(named.map(({ id, name }) => [id as string, name]));
  const pairs = members.map(({ userId, groupId }) => ({
    userId,
    id: groupId as string,
    name: byId.get(groupId) ?? '',
  }));
  return Map.groupBy(pairs, ({ userId }) => userId as string);
}

/** Entra sends "True" and "False". */
function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function emailOf(emails: unknown): string | null {
  const list = (Array.isArray(emails) ? emails : [emails]).filter(
    (one): one is { value: string; primary?: unknown } =>
      typeof one?.value === 'string' && one.value.length <= 254,
  );
  return (list.find(({ primary }) => booleanOf(primary)) ?? list[0])?.value ?? null;
}

function nameOf({ displayName, name }: Record<string, unknown>): string | null {
  const { formatted, givenName, familyName } = (name ?? {}) as Record<string, unknown>;
  const parts = [givenName, familyName].filter((part) => typeof part === 'string' && part !== '').join(' ');
  const found = [displayName, formatted, parts].find((one) => typeof one === 'string' && one !== '');
  return found === undefined ? null : (found as string).slice(0, 200);
}

export const byId = (id: string) => eq(users.id, id as never);
