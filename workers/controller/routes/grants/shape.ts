/**
 * A grant as the API shows it: a Service Account, a person or a group may reach a Resource, until a time or
 * for good.
 */
import { z } from '@hono/zod-openapi';
import { eq } from 'drizzle-orm';
import { type grants, groupMembers } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import type { Row, Scope } from '../../scope.ts';

export const grant = z
  .object({
    id: z.string().openapi({ example: 'grt_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    resource_id: z.string(),
    service_account_id: z.string().nullable().openapi({ description: 'One of these three.' }),
    user_id: z.string().nullable(),
    group_id: z.string().nullable(),
    state: z.enum(['active', 'expired']),
    expires_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('Grant');

export const show = (row: Row<typeof grants>, nowMs: number): z.input<typeof grant> => ({
  id: row.id,
  resource_id: row.resourceId,
  service_account_id: row.granteeKind === 'service_account' ? row.granteeId : null,
  user_id: row.granteeKind === 'user' ? row.granteeId : null,
  group_id: row.granteeKind === 'group' ? row.granteeId : null,
  state: row.expiresAt !== null && row.expiresAt <= nowMs ? 'expired' : 'active',
  expires_at: isoOrNull(row.expiresAt),
  created_at: iso(row.createdAt),
});

/** Whose Client ACLs a grant is part of: its own principal's, or those of the group's members. */
export async function principalsOf(
  scope: Scope,
  { granteeKind, granteeId }: Pick<Row<typeof grants>, 'granteeKind' | 'granteeId'>,
): Promise<string[]> {
  if (granteeKind !== 'group') return [granteeId];
  const members = await scope.select(groupMembers, { where: eq(groupMembers.groupId, granteeId as never) });
  return members.map(({ userId }) => userId);
}
