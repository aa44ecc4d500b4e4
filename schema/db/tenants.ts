/**
 * The table that all others hang from, and the columns that they share. `tables.ts` has the rest.
 */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Id } from '#schema/ids.ts';

/** Whose row it is. */
export const tenantId = () =>
  text('tenant_id')
    .$type<Id<'tenant'>>()
    .notNull()
    .references(() => tenants.id);
/** Milliseconds since the epoch. */
export const instant = (name: string) => integer(name);

/** One customer. `config_version` counts every change that an ACL can show; it versions the ACLs. */
export const tenants = sqliteTable('tenants', {
  id: text('id').$type<Id<'tenant'>>().primaryKey(),
  slug: text('slug').notNull().unique(),
  name: text('name').notNull(),
  hostname: text('hostname').unique(),
  stalenessBudget: integer('staleness_budget').notNull().default(900),
  eventRetentionDays: integer('event_retention_days').notNull().default(30),
  configVersion: integer('config_version').notNull().default(1),
  createdAt: instant('created_at').notNull(),
});
