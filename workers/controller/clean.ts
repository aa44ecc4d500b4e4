/**
 * Takes away what has run out, every few minutes, for the whole deployment: used token ids, answers kept for
 * repeated requests, events past their Tenant's retention, instances long gone, floors under ACLs that no
 * longer live, signing keys that no longer verify anything. Each step removes a bounded number of rows, so
 * that a backlog is worked off over several runs.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import {
  aclFloors,
  authorizations,
  consoleSessions,
  enrolmentTokens,
  events,
  idempotencyKeys,
  instances,
  loginCodes,
  setupCodes,
  signingKeys,
  tenants,
  usedJtis,
  userSessions,
} from '#schema/db/tables.ts';
import { aclMemory } from './agents/read-configuration.ts';
import { retiredMs } from './agents/signing-keys.ts';
import type { Ports } from './ports.ts';

const day = 86_400_000;
const idempotencyMs = day;
/** How long an instance that has gone, or an enrolment token that has ended, can still be looked at. */
const goneMs = 7 * day;
const rowsAtOnce = 10_000;

export async function clean({ database, clock, log, settings }: Ports): Promise<void> {
  const now = clock();
  const before = (ms: number) => now - ms;
  // A Client that never opened a channel may still run on its access token: it counts from its start.
  const lastSeen = sql`case when ${instances.connectedAt} is null then ${instances.startedAt} else ${instances.disconnectedAt} end`;
  const eventsEnd = sql`${now} - ${tenants.eventRetentionDays} * ${day}`;
  const steps: Record<string, SQL> = {
    used_jtis: some(usedJtis, sql`where ${usedJtis.expiresAt} < ${now}`),
    idempotency_keys: some(
      idempotencyKeys,
      sql`where ${idempotencyKeys.createdAt} < ${before(idempotencyMs)}`,
    ),
    events: some(
      events,
      sql`join ${tenants} on ${tenants.id} = ${events.tenantId} where ${events.at} < ${eventsEnd}`,
    ),
    instances: some(instances, sql`where ${lastSeen} < ${before(goneMs)}`),
    acl_floors: some(aclFloors, sql`where ${aclFloors.at} < ${before(aclMemory)}`),
    enrolment_tokens: some(enrolmentTokens, sql`where ${enrolmentTokens.expiresAt} < ${before(goneMs)}`),
    authorizations: some(authorizations, sql`where ${authorizations.expiresAt} < ${now}`),
    login_codes: some(loginCodes, sql`where ${loginCodes.expiresAt} < ${before(3_600_000)}`),
    console_sessions: some(consoleSessions, sql`where ${consoleSessions.expiresAt} < ${before(goneMs)}`),
    user_sessions: some(userSessions, sql`where ${userSessions.expiresAt} < ${before(30 * day)}`),
    setup_codes: some(setupCodes, sql`where ${setupCodes.expiresAt} < ${before(goneMs)}`),
    signing_keys: some(
      signingKeys,
      sql`where ${signingKeys.state} = 'retired' and ${signingKeys.retiredAt} < ${before(retiredMs(settings))}`,
    ),
  };
  const removed: Record<string, number> = {};
  for (const [name, statement] of Object.entries(steps)) {
    const rows = (await database.all(statement)).length;
    if (rows > 0) removed[name] = rows;
  }
  if (Object.keys(removed).length > 0) log('info', 'cleaned', removed);
}

/** @param which what follows `from` in the selection of rows. */
const some = (table: SQLiteTable, which: SQL): SQL =>
  sql`delete from ${table} where rowid in
      (select ${table}.rowid from ${table} ${which} limit ${rowsAtOnce}) returning 1`;
