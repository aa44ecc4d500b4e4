/** Whose SCIM client asks: a token of this Tenant that opens nothing but `/scim/v2`. */
import { eq } from 'drizzle-orm';
import { scimTokens } from '#schema/db/tables.ts';
import type { Call, Tenant } from '../context.ts';
import { type Row, scopeOf } from '../scope.ts';
import { hashOf, isSecret, sameText } from '../secret.ts';

/** The last use is written down this often, in milliseconds. */
const lastUsedPrecision = 60_000;

export async function authenticateScim(c: Call, tenant: Tenant): Promise<Row<typeof scimTokens> | string> {
  const bearer = /^Bearer +([A-Za-z0-9_-]{1,128})$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (bearer === undefined) return 'no_credential';
  if (!isSecret('sps', bearer)) return 'malformed';
  const { database, clock, defer } = c.get('ports');
  const scope = scopeOf(database, tenant.id);
  const hash = await hashOf(bearer);
  const token = await scope.find(scimTokens, eq(scimTokens.hash, hash));
  if (!token || !sameText(token.hash, hash)) return 'unknown';
  const now = clock();
  if (token.revokedAt !== null) return 'revoked';
  if (token.expiresAt !== null && token.expiresAt <= now) return 'expired';
  if (token.lastUsedAt === null || now - token.lastUsedAt > lastUsedPrecision) {
    defer(Promise.resolve(scope.update(scimTokens, { lastUsedAt: now }, eq(scimTokens.id, token.id))));
  }
  return token;
}
