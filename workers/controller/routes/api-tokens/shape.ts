/**
 * An API token as the API shows it, and how one is made: the secret is shown once, its hash is kept.
 */
import { z } from '@hono/zod-openapi';
import { apiTokens } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import type { Id } from '#schema/ids.ts';
import { covers, grantableScopes } from '#schema/people/scopes.ts';
import { mint } from '../../change.ts';
import { instant, iso, isoOrNull } from '../../fields.ts';
import type { Ports } from '../../ports.ts';
import { type Row, scopeOf } from '../../scope.ts';
import { mintSecret } from '../../secret.ts';

export const apiToken = z
  .object({
    id: z.string().openapi({ example: 'tok_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    scopes: z.array(z.string()),
    state: z.enum(['active', 'revoked', 'expired']),
    expires_at: instant.nullable(),
    last_used_at: instant.nullable(),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('ApiToken');

export const withSecret = apiToken
  .extend({ token: z.string().openapi({ description: 'Shown once.' }) })
  .openapi('ApiTokenCreated');

export const scopes = z
  .array(z.enum(grantableScopes))
  .min(1)
  .max(32)
  .openapi({ example: ['networks:read', 'services:*'] });

/** The refusal to give away what the caller's own token does not hold, or undefined. */
export function beyond(held: readonly string[], wanted: readonly string[]) {
  const more = wanted.filter((scope) => !covers(held, scope));
  if (more.length === 0) return undefined;
  return refuse('forbidden', `this token does not hold ${more.join(', ')} and cannot give it away`);
}

export function show(row: Omit<Row<typeof apiTokens>, 'tenantId'>, nowMs: number): z.input<typeof apiToken> {
  const expired = row.expiresAt !== null && row.expiresAt <= nowMs;
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    state: row.revokedAt !== null ? 'revoked' : expired ? 'expired' : 'active',
    expires_at: isoOrNull(row.expiresAt),
    last_used_at: isoOrNull(row.lastUsedAt),
    revoked_at: isoOrNull(row.revokedAt),
    created_at: iso(row.createdAt),
  };
}

/** A token that is not written yet: `statement` goes into the batch of the change. */
export async function mintToken(
  at: { ports: Ports; now: number },
  tenantId: Id<'tenant'>,
  wanted: { name: string; scopes: string[]; expiresAt: number | null },
) {
  const { secret, hash } = await mintSecret(at.ports, 'spt');
  const row = {
    id: mint(at, 'apiToken'),
    ...wanted,
    hash,
    createdAt: at.now,
    lastUsedAt: null,
    revokedAt: null,
  };
  return {
    shown: show(row, at.now),
    secret,
    statement: scopeOf(at.ports.database, tenantId).insert(apiTokens, row),
  };
}
