/**
 * The few questions that are asked before the Tenant is known, and so cannot go through `scope.ts`: which
 * Tenant a URL or an API token means. Nothing here answers with a Tenant's belongings.
 */
import { eq } from 'drizzle-orm';
import { apiTokens, tenants } from '#schema/db/tables.ts';
import type { Tenant } from './context.ts';
import type { Database } from './ports.ts';

export async function tenantBySlug(database: Database, slug: string): Promise<Tenant | undefined> {
  return (await database.select().from(tenants).where(eq(tenants.slug, slug)).limit(1))[0];
}

export async function tenantByHostname(database: Database, hostname: string): Promise<Tenant | undefined> {
  return (await database.select().from(tenants).where(eq(tenants.hostname, hostname)).limit(1))[0];
}

/** @param hash SHA-256 of the token, base64url. */
export async function tokenByHash(
  database: Database,
  hash: string,
): Promise<{ token: typeof apiTokens.$inferSelect; tenant: Tenant } | undefined> {
  const [row] = await database
    .select({ token: apiTokens, tenant: tenants })
    .from(apiTokens)
    .innerJoin(tenants, eq(apiTokens.tenantId, tenants.id))
    .where(eq(apiTokens.hash, hash))
    .limit(1);
  return row;
}
