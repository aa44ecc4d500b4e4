/**
 * A person as the API shows them, and what an administrator may write of them.
 */
import { z } from '@hono/zod-openapi';
import { and, eq, ne } from 'drizzle-orm';
import { groupMembers, users } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { mayAppoint, type Role, roles } from '#schema/people/roles.ts';
import { instant, iso, isoOrNull, line } from '../../fields.ts';
import { among, type Row, type Scope } from '../../scope.ts';

export const user = z
  .object({
    id: z.string().openapi({ example: 'usr_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    user_name: z.string(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    source: z.enum(['setup', 'admin', 'login', 'scim']).openapi({
      description:
        'What SCIM made is changed at the identity provider; here only its role and whether it is active.',
    }),
    role: z.enum(roles).nullable().openapi({ description: 'In the console; null: none.' }),
    active: z.boolean(),
    groups: z.number().int(),
    last_login_at: instant.nullable(),
    created_at: instant,
    updated_at: instant,
  })
  .openapi('User');

export const writable = {
  name: line(200).nullable(),
  role: z.enum(roles).nullable(),
  active: z.boolean(),
};

export async function show(scope: Scope, rows: Row<typeof users>[]): Promise<z.input<typeof user>[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const groups = await scope.countBy(groupMembers, groupMembers.userId, among(groupMembers.userId, ids));
  return rows.map((row) => ({
    id: row.id,
    user_name: row.userName,
    email: row.email,
    name: row.name,
    source: row.source,
    role: row.role,
    active: row.active,
    groups: groups.get(row.id) ?? 0,
    last_login_at: isoOrNull(row.lastLoginAt),
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  }));
}

/** The refusal to change a role into one that the caller does not command, or undefined. */
export function beyondRole(held: readonly string[], before: Role | null, after: Role | null) {
  if (before === after) return undefined;
  const missing = [before, after].find((role) => !mayAppoint(held, role));
  return missing ? refuse('forbidden', `only somebody who can do all that an ${missing} can`) : undefined;
}

/** A Tenant keeps somebody who can do everything. @returns the refusal to take the last one's way in. */
export async function lastOwner(scope: Scope, row: Row<typeof users>) {
  if (row.role !== 'owner' || !row.active) return undefined;
  const another = and(eq(users.role, 'owner'), eq(users.active, true), ne(users.id, row.id))!;
  if (await scope.find(users, another)) return undefined;
  return refuse('last_owner', `${row.userName} is the only active owner`);
}
