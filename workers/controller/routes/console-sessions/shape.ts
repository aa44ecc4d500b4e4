/** A person's session in the console as the API shows it: never the cookie. */
import { z } from '@hono/zod-openapi';
import type { consoleSessions } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import { endsAt } from '../../people/console-session.ts';
import type { Row } from '../../scope.ts';

export const consoleSession = z
  .object({
    id: z.string().openapi({ example: 'ses_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    user_id: z.string(),
    state: z.enum(['active', 'revoked', 'expired']),
    current: z.boolean().openapi({ description: 'The one that asks.' }),
    address: z.string().nullable(),
    user_agent: z.string().nullable(),
    last_seen_at: instant,
    expires_at: instant.openapi({ description: 'If it is not used until then.' }),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('ConsoleSession');

export function show(
  row: Row<typeof consoleSessions>,
  nowMs: number,
  current: string | undefined,
): z.input<typeof consoleSession> {
  const ends = endsAt(row);
  return {
    id: row.id,
    user_id: row.userId,
    state: row.revokedAt !== null ? 'revoked' : ends <= nowMs ? 'expired' : 'active',
    current: row.id === current,
    address: row.address,
    user_agent: row.userAgent,
    last_seen_at: iso(row.lastSeenAt),
    expires_at: iso(ends),
    revoked_at: isoOrNull(row.revokedAt),
    created_at: iso(row.createdAt),
  };
}
