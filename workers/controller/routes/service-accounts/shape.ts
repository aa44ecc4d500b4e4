/**
 * A Service Account as the API shows it.
 */
import { z } from '@hono/zod-openapi';
import { and, gt, isNull, or } from 'drizzle-orm';
import { grants, type serviceAccounts, serviceKeys } from '#schema/db/tables.ts';
import { stateOf } from '#schema/service-key/life.ts';
import type { ChangeOrigin } from '../../change.ts';
import { instant, iso, isoOrNull, line, name } from '../../fields.ts';
import { liveByKey } from '../../presence.ts';
import { among, type Row } from '../../scope.ts';
import { warning, warningsOf } from './warnings.ts';

export const serviceAccount = z
  .object({
    id: z.string().openapi({ example: 'svc_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    description: z.string().nullable(),
    active_keys: z.number().int(),
    resources: z.number().int().openapi({ description: 'Resources that are granted to it now.' }),
    live_instances: z.number().int(),
    last_used_at: instant.nullable().openapi({ description: 'By the latest login with any of its keys.' }),
    warnings: z.array(warning),
    created_at: instant,
  })
  .openapi('ServiceAccount');

export const writable = { name, description: line(500).nullable() };

export async function show(
  ask: Pick<ChangeOrigin, 'ports' | 'scope' | 'now'>,
  rows: Row<typeof serviceAccounts>[],
): Promise<z.input<typeof serviceAccount>[]> {
  if (rows.length === 0) return [];
  const { scope, now } = ask;
  const ids = rows.map(({ id }) => id);
  const inForce = or(isNull(grants.expiresAt), gt(grants.expiresAt, now));
  const [keys, granted, live] = await Promise.all([
    scope.select(serviceKeys, { where: among(serviceKeys.serviceAccountId, ids) }),
    scope.countBy(grants, grants.granteeId, and(among(grants.granteeId, ids), inForce)),
    liveByKey(ask),
  ]);
  const byAccount = Map.groupBy(keys, ({ serviceAccountId }) => serviceAccountId);
  return rows.map(({ id, name, description, createdAt }) => {
    const own = byAccount.get(id) ?? [];
    const resources = granted.get(id) ?? 0;
    return {
      id,
      name,
      description,
      active_keys: own.filter((key) => stateOf(key, now) === 'active').length,
      resources,
      live_instances: own.reduce((sum, key) => sum + (live.get(key.id) ?? 0), 0),
      last_used_at: isoOrNull(latest(own.map(({ lastUsedAt }) => lastUsedAt))),
      warnings: warningsOf(own, { resources, liveByKey: live, nowMs: now }),
      created_at: iso(createdAt),
    };
  });
}

const latest = (times: (number | null)[]): number | null =>
  times.reduce<number | null>((last, one) => (one !== null && one > (last ?? 0) ? one : last), null);
