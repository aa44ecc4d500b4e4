/**
 * A grant as the API shows it: a Service Account, a person or a group may reach a Resource, until a time or
 * for good.
 */
import { z } from '@hono/zod-openapi';
import { eq } from 'drizzle-orm';
import { type grants, groupMembers, groups, resources, serviceAccounts, users } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import { among, type Row, type Scope } from '../../scope.ts';

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

/** In lists, where an id alone would tell a reader nothing. */
export const grantWithNames = grant
  .extend({
    resource_name: z.string(),
    resource_address: z.string(),
    grantee_name: z.string().openapi({ description: 'Of the Service Account, the person or the group.' }),
  })
  .openapi('GrantWithNames');

export async function showWithNames(
  scope: Scope,
  rows: Row<typeof grants>[],
  nowMs: number,
): Promise<z.input<typeof grantWithNames>[]> {
  const granted = rows.map(({ resourceId }) => resourceId);
  const to = rows.map(({ granteeId }) => granteeId);
  const [targets, services, people, teams] = await Promise.all([
    scope.select(resources, { where: among(resources.id, granted) }),
    scope.select(serviceAccounts, { where: among(serviceAccounts.id, to) }),
    scope.select(users, { where: among(users.id, to) }),
    scope.select(groups, { where: among(groups.id, to) }),
  ]);
  const byId = new Map(targets.map((one) => [one.id, one]));
  const names = new Map<string, string>([
    ...[...services, ...teams].map(({ id, name }) => [id, name] as const),
    ...people.map(({ id, name, userName }) => [id, name ?? userName] as const),
  ]);
  return rows.map((row) => ({
    ...show(row, nowMs),
    resource_name: byId.get(row.resourceId)?.name ?? row.resourceId,
    resource_address: byId.get(row.resourceId)?.address ?? '',
    grantee_name: names.get(row.granteeId) ?? row.granteeId,
  }));
}

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
