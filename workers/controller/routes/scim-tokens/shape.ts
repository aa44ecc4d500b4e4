/**
 * A SCIM token as the API shows it: what an identity provider's SCIM client sends. It opens `/scim/v2` and
 * nothing else.
 */
import { z } from '@hono/zod-openapi';
import type { scimTokens } from '#schema/db/tables.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import type { Row } from '../../scope.ts';

export const scimToken = z
  .object({
    id: z.string().openapi({ example: 'scm_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    state: z.enum(['active', 'revoked', 'expired']),
    expires_at: instant.nullable(),
    last_used_at: instant.nullable(),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('ScimToken');

export const withSecret = scimToken
  .extend({
    token: z.string().openapi({ description: 'Shown once.' }),
    base_url: z.string().openapi({ description: 'For the identity provider’s SCIM client.' }),
  })
  .openapi('ScimTokenCreated');

export function show(
  row: Omit<Row<typeof scimTokens>, 'tenantId'>,
  nowMs: number,
): z.input<typeof scimToken> {
  const expired = row.expiresAt !== null && row.expiresAt <= nowMs;
  return {
    id: row.id,
    name: row.name,
    state: row.revokedAt !== null ? 'revoked' : expired ? 'expired' : 'active',
    expires_at: isoOrNull(row.expiresAt),
    last_used_at: isoOrNull(row.lastUsedAt),
    revoked_at: isoOrNull(row.revokedAt),
    created_at: iso(row.createdAt),
  };
}
