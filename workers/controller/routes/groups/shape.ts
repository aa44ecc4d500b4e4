/**
 * A group as the API shows it. Those that SCIM made are changed at the identity provider alone.
 */
import { z } from '@hono/zod-openapi';
import { and, gt, isNull, or } from 'drizzle-orm';
import { grants, groupMembers, type groups } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { instant, iso, name } from '../../fields.ts';
import { among, type Row, type Scope } from '../../scope.ts';

export const group = z
  .object({
    id: z.string().openapi({ example: 'grp_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    source: z.enum(['admin', 'scim']),
    members: z.number().int(),
    resources: z.number().int().openapi({ description: 'Resources that are granted to it now.' }),
    created_at: instant,
    updated_at: instant,
  })
  .openapi('Group');

export const writable = { name };

export async function show(
  scope: Scope,
  rows: Row<typeof groups>[],
  now: number,
): Promise<z.input<typeof group>[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const inForce = or(isNull(grants.expiresAt), gt(grants.expiresAt, now));
  const [members, granted] = await Promise.all([
    scope.countBy(groupMembers, groupMembers.groupId, among(groupMembers.groupId, ids)),
    scope.countBy(grants, grants.granteeId, and(among(grants.granteeId, ids), inForce)),
  ]);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    source: row.source,
    members: members.get(row.id) ?? 0,
    resources: granted.get(row.id) ?? 0,
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  }));
}

/** The refusal to touch what the identity provider keeps. */
export const synced = (row: Row<typeof groups>) =>
  row.source === 'scim'
    ? refuse('managed_elsewhere', `the identity provider keeps the group ${row.name}, by SCIM`)
    : undefined;
