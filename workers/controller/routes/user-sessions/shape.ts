/** A person's login on a device as the API shows it. */
import { z } from '@hono/zod-openapi';
import type { userSessions } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import type { Row } from '../../scope.ts';

export const userSession = z
  .object({
    id: z.string().openapi({ example: 'uss_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    user_id: z.string(),
    state: z.enum(['active', 'revoked', 'expired']),
    hostname: z.string().nullable(),
    platform: z.string().nullable(),
    version: z.string().nullable(),
    authenticated_at: instant,
    acr: z.string().nullable(),
    amr: z.array(z.string()),
    live_instances: z.number().int(),
    expires_at: instant,
    last_used_at: instant.nullable(),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('UserSession');

export function show(
  row: Row<typeof userSessions>,
  nowMs: number,
  live: number,
): z.input<typeof userSession> {
  return {
    id: row.id,
    user_id: row.userId,
    state: row.revokedAt !== null ? 'revoked' : row.expiresAt <= nowMs ? 'expired' : 'active',
    hostname: row.hostname,
    platform: row.platform,
    version: row.version,
    authenticated_at: iso(row.authentication.at),
    acr: row.authentication.acr ?? null,
    amr: row.authentication.amr ?? [],
    live_instances: live,
    expires_at: iso(row.expiresAt),
    last_used_at: isoOrNull(row.lastUsedAt),
    revoked_at: isoOrNull(row.revokedAt),
    created_at: iso(row.createdAt),
  };
}
