/** Service Keys that run out soon. */
import { z } from '@hono/zod-openapi';
import { and, asc, gt, isNull, lt } from 'drizzle-orm';
import { serviceKeys } from '#schema/db/tables.ts';
import type { Ask } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { namesOf } from '../../names.ts';

const soonMs = 30 * 24 * 3_600_000;
const most = 20;

export const expiringKeys = z.object({
  total: z.number().int().openapi({ description: 'Active keys that expire within 30 days.' }),
  items: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      service_account_id: z.string(),
      service_account_name: z.string().nullable(),
      expires_at: instant,
    }),
  ),
});

export async function keysExpiring({ scope, now }: Ask): Promise<z.input<typeof expiringKeys>> {
  const where = and(
    isNull(serviceKeys.revokedAt),
    gt(serviceKeys.expiresAt, now),
    lt(serviceKeys.expiresAt, now + soonMs),
  )!;
  const [total, rows] = await Promise.all([
    scope.count(serviceKeys, where),
    scope.select(serviceKeys, { where, orderBy: [asc(serviceKeys.expiresAt)], limit: most }),
  ]);
  const names = await namesOf(
    scope,
    rows.map(({ serviceAccountId }) => serviceAccountId),
  );
  return {
    total,
    items: rows.map(({ id, name, serviceAccountId, expiresAt }) => ({
      id,
      name,
      service_account_id: serviceAccountId,
      service_account_name: names[serviceAccountId] ?? null,
      expires_at: iso(expiresAt!),
    })),
  };
}
