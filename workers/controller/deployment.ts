/**
 * What does not go through `scope.ts`: the tables that belong to no Tenant (Tenants themselves, relays), for
 * the operator's routes, the questions that are asked before the Tenant is known (which one a URL or an API
 * token means), and what relays must know of all Tenants.
 */
import { and, desc, eq, gt, isNull, type SQL, sql } from 'drizzle-orm';
import { apiTokens, relays, revocations, setupCodes, tenants } from '#schema/db/tables.ts';
import type { Tenant } from './context.ts';
import type { Database } from './ports.ts';
import type { Row } from './scope.ts';

type DeploymentTable = typeof tenants | typeof relays;

export function deploymentOf(database: Database) {
  return {
    async select<T extends DeploymentTable>(
      table: T,
      o: { where?: SQL | undefined; orderBy: SQL[]; limit: number },
    ): Promise<Row<T>[]> {
      const query = database.select().from(table as DeploymentTable);
      return (await query
        .where(o.where)
        .orderBy(...o.orderBy)
        .limit(o.limit)) as Row<T>[];
    },

    async find<T extends DeploymentTable>(table: T, id: string): Promise<Row<T> | undefined> {
      const where = eq((table as DeploymentTable).id, id as never);
      return (await this.select(table, { where, orderBy: [], limit: 1 }))[0];
    },

    insertTenant: (row: Row<typeof tenants>) => database.insert(tenants).values(row),
    insertSetupCode: (row: typeof setupCodes.$inferInsert) => database.insert(setupCodes).values(row),
    async hasSetupCode(hash: string, now: number): Promise<boolean> {
      return (await database.select().from(setupCodes).where(liveCode(hash, now)).limit(1)).length === 1;
    },
    /** Of two at once, one gets it. @returns whether it was there to be used. */
    async useSetupCode(hash: string, now: number): Promise<boolean> {
      const code = database.update(setupCodes).set({ usedAt: now }).where(liveCode(hash, now));
      const used = await code.returning();
      return used.length === 1;
    },
    /** What it was used for did not come about. */
    releaseSetupCode: (hash: string) =>
      database.update(setupCodes).set({ usedAt: null }).where(eq(setupCodes.hash, hash)),
    async hasTenants(): Promise<boolean> {
      return (await database.select({ id: tenants.id }).from(tenants).limit(1)).length > 0;
    },
    insertRelay: (row: typeof relays.$inferInsert) => database.insert(relays).values(row),
    deleteRelay: (id: Row<typeof relays>['id']) => database.delete(relays).where(eq(relays.id, id)),
  };
}

const liveCode = (hash: string, now: number) =>
  and(eq(setupCodes.hash, hash), isNull(setupCodes.usedAt), gt(setupCodes.expiresAt, now));

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
): Promise<{ token: Row<typeof apiTokens>; tenant: Tenant } | undefined> {
  const [row] = await database
    .select({ token: apiTokens, tenant: tenants })
    .from(apiTokens)
    .innerJoin(tenants, eq(apiTokens.tenantId, tenants.id))
    .where(eq(apiTokens.hash, hash))
    .limit(1);
  return row;
}

/** Revocations that name Connectors, of whichever Tenant; the newest first. @param at milliseconds since the epoch. */
export async function connectorsRevokedSince(
  database: Database,
  at: number,
): Promise<Pick<Row<typeof revocations>, 'id' | 'subject'>[]> {
  return database
    .select({ id: revocations.id, subject: revocations.subject })
    .from(revocations)
    .where(and(gt(revocations.at, at), sql`json_array_length(${revocations.subject}, '$.connectors') > 0`))
    .orderBy(desc(revocations.at))
    .limit(mostRevocations);
}

const mostRevocations = 1_000;
