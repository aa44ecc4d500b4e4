/**
 * The tables of people: the identity providers that vouch for them, users and groups as SCIM (RFC 7643) fills
 * them, their sessions in the console and on their devices, and the Security Policies that both obey.
 * Secrets are kept as hashes (SHA-256, base64url: each has 256 bits of its own) or sealed.
 */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { PublicJwk } from '#schema/control/login.ts';
import type { Id } from '#schema/ids.ts';
import { presets } from '#schema/people/presets.ts';
import type { Role } from '#schema/people/roles.ts';
import type { PolicyRules } from '#schema/policy/rules.ts';
import { instant, tenantId } from './tenants.ts';

/** An OpenID provider (OpenID Connect Core 1.0) that a Tenant's people log in at. */
export const identityProviders = sqliteTable(
  'identity_providers',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'identityProvider'>>().primaryKey(),
    preset: text('preset', { enum: presets }).notNull(),
    name: text('name').notNull(),
    /** Without a final slash unless the provider's own metadata has one. */
    issuer: text('issuer').notNull(),
    clientId: text('client_id').notNull(),
    /** Sealed with the deployment's key-encryption key; null for a public client. */
    sealedSecret: text('sealed_secret'),
    scopes: text('scopes', { mode: 'json' }).$type<string[]>().notNull(),
    /** Of e-mail addresses; empty: any. */
    allowedDomains: text('allowed_domains', { mode: 'json' }).$type<string[]>().notNull().default(sql`'[]'`),
    /** Which claim says what. */
    claims: text('claims', { mode: 'json' }).$type<ClaimNames>().notNull(),
    /** Whether somebody whom SCIM or an administrator has not created may log in and thereby become a user. */
    createsUsers: integer('creates_users', { mode: 'boolean' }).notNull().default(true),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
    disabledAt: instant('disabled_at'),
  },
  (t) => [uniqueIndex('identity_providers_name').on(t.tenantId, t.name)],
);

export interface ClaimNames {
  email: string;
  name: string;
  /** Of the groups in the provider's own terms, which policies can ask for. */
  groups: string;
}

export const users = sqliteTable(
  'users',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'user'>>().primaryKey(),
    /** SCIM's `userName`: unique whatever its case, usually the e-mail address. */
    userName: text('user_name').notNull(),
    email: text('email'),
    name: text('name'),
    externalId: text('external_id'),
    source: text('source', { enum: ['setup', 'admin', 'login', 'scim'] }).notNull(),
    /** What it may do in the console and by the API as a person; null: nothing. */
    role: text('role').$type<Role>(),
    active: integer('active', { mode: 'boolean' }).notNull().default(true),
    /** What else SCIM said of them, in its own form. */
    attributes: text('attributes', { mode: 'json' })
      .$type<Record<string, unknown>>()
      .notNull()
      .default(sql`'{}'`),
    /** Counts changes, for ETags. */
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
    lastLoginAt: instant('last_login_at'),
  },
  (t) => [
    uniqueIndex('users_user_name').on(t.tenantId, sql`lower(${t.userName})`),
    index('users_email').on(t.tenantId, t.email),
    index('users_external').on(t.tenantId, t.externalId),
  ],
);

/** Who a subject of an identity provider is here. */
export const userIdentities = sqliteTable(
  'user_identities',
  {
    tenantId: tenantId(),
    identityProviderId: text('identity_provider_id')
      .$type<Id<'identityProvider'>>()
      .notNull()
      .references(() => identityProviders.id),
    subject: text('subject').notNull(),
    userId: text('user_id')
      .$type<Id<'user'>>()
      .notNull()
      .references(() => users.id),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.identityProviderId, t.subject] }),
    index('user_identities_user').on(t.tenantId, t.userId),
  ],
);

export const groups = sqliteTable(
  'groups',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'group'>>().primaryKey(),
    name: text('name').notNull(),
    externalId: text('external_id'),
    /** What SCIM made, administrators do not change. */
    source: text('source', { enum: ['admin', 'scim'] }).notNull(),
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (t) => [
    uniqueIndex('groups_name').on(t.tenantId, t.name),
    index('groups_external').on(t.tenantId, t.externalId),
  ],
);

export const groupMembers = sqliteTable(
  'group_members',
  {
    tenantId: tenantId(),
    groupId: text('group_id')
      .$type<Id<'group'>>()
      .notNull()
      .references(() => groups.id),
    userId: text('user_id')
      .$type<Id<'user'>>()
      .notNull()
      .references(() => users.id),
  },
  (t) => [
    primaryKey({ columns: [t.groupId, t.userId] }),
    index('group_members_user').on(t.tenantId, t.userId),
  ],
);

/** Of people alone, never of Services. One of them is the Tenant's default. */
export const policies = sqliteTable(
  'policies',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'policy'>>().primaryKey(),
    name: text('name').notNull(),
    isDefault: integer('is_default', { mode: 'boolean' }).notNull().default(false),
    rules: text('rules', { mode: 'json' }).$type<PolicyRules>().notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (t) => [
    uniqueIndex('policies_name').on(t.tenantId, t.name),
    uniqueIndex('policies_default').on(t.tenantId).where(sql`is_default = 1`),
  ],
);

/** What an identity provider said when somebody proved who they are. */
export interface Authentication {
  identityProvider: Id<'identityProvider'>;
  /** Milliseconds since the epoch: `auth_time`, or when the answer came. */
  at: number;
  acr?: string;
  amr?: string[];
  groups?: string[];
}

/** A person in the console. The cookie's value is replaced now and then; the one before it holds a little longer. */
export const consoleSessions = sqliteTable(
  'console_sessions',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'consoleSession'>>().primaryKey(),
    userId: text('user_id')
      .$type<Id<'user'>>()
      .notNull()
      .references(() => users.id),
    hash: text('hash').notNull().unique(),
    previousHash: text('previous_hash').unique(),
    authentication: text('authentication', { mode: 'json' }).$type<Authentication>().notNull(),
    address: text('address'),
    userAgent: text('user_agent'),
    createdAt: instant('created_at').notNull(),
    rotatedAt: instant('rotated_at').notNull(),
    lastSeenAt: instant('last_seen_at').notNull(),
    /** Whatever its use. */
    expiresAt: instant('expires_at').notNull(),
    revokedAt: instant('revoked_at'),
  },
  (t) => [index('console_sessions_user').on(t.tenantId, t.userId)],
);

/** A person's login on a device: for a person's Client what a Service Key is for a machine's. */
export const userSessions = sqliteTable(
  'user_sessions',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'userSession'>>().primaryKey(),
    userId: text('user_id')
      .$type<Id<'user'>>()
      .notNull()
      .references(() => users.id),
    /** Of the device's key, whose private half never leaves it. */
    publicJwk: text('public_jwk', { mode: 'json' }).$type<PublicJwk>().notNull(),
    authentication: text('authentication', { mode: 'json' }).$type<Authentication>().notNull(),
    hostname: text('hostname'),
    platform: text('platform'),
    version: text('version'),
    /** Where its Client logged in from last: policies may ask. */
    address: text('address'),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [index('user_sessions_user').on(t.tenantId, t.userId)],
);

/** A login that is under way at an identity provider (RFC 6749 §4.1 with RFC 7636). */
export const authorizations = sqliteTable(
  'authorizations',
  {
    tenantId: tenantId(),
    /** Of `state`. */
    stateHash: text('state_hash').primaryKey(),
    identityProviderId: text('identity_provider_id').$type<Id<'identityProvider'>>().notNull(),
    /** Nonce, PKCE verifier and what comes after the login, sealed. */
    sealed: text('sealed').notNull(),
    /** Of the cookie that ties it to one browser. */
    browserHash: text('browser_hash').notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
  },
  (t) => [index('authorizations_expiry').on(t.expiresAt)],
);

/** A code that a person's Client redeems: from the redirect (RFC 6749 §4.1.2) or as a device (RFC 8628). */
export const loginCodes = sqliteTable(
  'login_codes',
  {
    tenantId: tenantId(),
    hash: text('hash').primaryKey(),
    kind: text('kind', { enum: ['redirect', 'device'] }).notNull(),
    /** RFC 8628 §6.1, of devices alone. */
    userCodeHash: text('user_code_hash'),
    /** `S256` of the verifier (RFC 7636 §4.2), of redirects alone. */
    challenge: text('challenge'),
    redirectUri: text('redirect_uri'),
    /** RFC 7638 thumbprint of the device key that may redeem it. */
    jkt: text('jkt').notNull(),
    hostname: text('hostname'),
    platform: text('platform'),
    version: text('version'),
    address: text('address'),
    /** Who approved it; null while nobody has. */
    userId: text('user_id').$type<Id<'user'>>(),
    authentication: text('authentication', { mode: 'json' }).$type<Authentication>(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    /** When a device last asked (RFC 8628 §3.5). */
    polledAt: instant('polled_at'),
    deniedAt: instant('denied_at'),
    usedAt: instant('used_at'),
  },
  (t) => [
    uniqueIndex('login_codes_user_code').on(t.tenantId, t.userCodeHash),
    index('login_codes_expiry').on(t.expiresAt),
  ],
);

/** What an identity provider's SCIM client shows. */
export const scimTokens = sqliteTable(
  'scim_tokens',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'scimToken'>>().primaryKey(),
    name: text('name').notNull(),
    hash: text('hash').notNull().unique(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [index('scim_tokens_tenant').on(t.tenantId)],
);

/** The right to create the deployment's first Tenant from a browser. Belongs to nobody yet. */
export const setupCodes = sqliteTable('setup_codes', {
  hash: text('hash').primaryKey(),
  createdAt: instant('created_at').notNull(),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
});
