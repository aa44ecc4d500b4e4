/**
 * The Controller's tables; those of people are in `people.ts`. Every table but `tenants`, `relays`,
 * `deployment_keys`, `setup_codes` and `used_jtis` belongs to
 * one Tenant and is reached only through `workers/controller/scope.ts`, which adds the Tenant to each query;
 * a test demands `tenant_id` of every new one. Instants are milliseconds since the epoch.
 */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { Ports } from '#schema/acl/document.ts';
import type { PublicJwk } from '#schema/control/login.ts';
import type { RelayLink } from '#schema/control/messages.ts';
import type { CredentialId, Id, PrincipalId } from '#schema/ids.ts';
import { policies } from './people.ts';
import { instant, tenantId } from './tenants.ts';

export * from './people.ts';
export { tenants } from './tenants.ts';

/** The Tenant's signing keys. `next` is published but does not sign yet, `retired` verifies until it is removed. */
export const signingKeys = sqliteTable(
  'signing_keys',
  {
    tenantId: tenantId(),
    kid: text('kid').notNull(),
    state: text('state', { enum: ['next', 'active', 'retired'] }).notNull(),
    publicJwk: text('public_jwk', { mode: 'json' }).$type<PublicJwk>().notNull(),
    /** PKCS#8 sealed with the deployment's key-encryption key. */
    sealed: text('sealed').notNull(),
    createdAt: instant('created_at').notNull(),
    retiredAt: instant('retired_at'),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.kid] })],
);

export const apiTokens = sqliteTable(
  'api_tokens',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'apiToken'>>().primaryKey(),
    name: text('name').notNull(),
    scopes: text('scopes', { mode: 'json' }).$type<string[]>().notNull(),
    /** SHA-256 of the token, base64url: a token has 256 bits of its own, so a slow hash would add nothing. */
    hash: text('hash').notNull().unique(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [index('api_tokens_tenant').on(t.tenantId)],
);

export const remoteNetworks = sqliteTable(
  'remote_networks',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'remoteNetwork'>>().primaryKey(),
    name: text('name').notNull(),
    location: text('location'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [uniqueIndex('remote_networks_name').on(t.tenantId, t.name)],
);

export const connectors = sqliteTable(
  'connectors',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'connector'>>().primaryKey(),
    remoteNetworkId: text('remote_network_id')
      .$type<Id<'remoteNetwork'>>()
      .notNull()
      .references(() => remoteNetworks.id),
    name: text('name').notNull(),
    /** Absent until enrolled. */
    hash: text('hash').unique(),
    publicJwk: text('public_jwk', { mode: 'json' }).$type<PublicJwk>(),
    version: text('version'),
    capability: integer('capability'),
    hostname: text('hostname'),
    labels: text('labels', { mode: 'json' }).$type<Record<string, string>>(),
    relays: text('relays', { mode: 'json' }).$type<RelayLink[]>(),
    /** How much of the load it asked for; null = the usual (`schema/path/spread.ts`). */
    weight: integer('weight'),
    /** Address that the Controller saw it come from. */
    publicAddress: text('public_address'),
    createdAt: instant('created_at').notNull(),
    enrolledAt: instant('enrolled_at'),
    connectedAt: instant('connected_at'),
    disconnectedAt: instant('disconnected_at'),
    /** It was given up then, because nothing more was heard; it closed nothing. */
    silent: integer('silent', { mode: 'boolean' }),
    revokedAt: instant('revoked_at'),
  },
  (t) => [
    uniqueIndex('connectors_name').on(t.tenantId, t.name),
    index('connectors_network').on(t.remoteNetworkId),
  ],
);

/** A one-time right to enrol. For a Connector. */
export const enrolmentTokens = sqliteTable(
  'enrolment_tokens',
  {
    tenantId: tenantId(),
    hash: text('hash').primaryKey(),
    connectorId: text('connector_id').$type<Id<'connector'>>().notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
  },
  (t) => [index('enrolment_tokens_connector').on(t.connectorId)],
);

export const resources = sqliteTable(
  'resources',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'resource'>>().primaryKey(),
    remoteNetworkId: text('remote_network_id')
      .$type<Id<'remoteNetwork'>>()
      .notNull()
      .references(() => remoteNetworks.id),
    name: text('name').notNull(),
    /** Canonical (`schema/resource/address.ts`). */
    address: text('address').notNull(),
    alias: text('alias'),
    tcp: text('tcp', { mode: 'json' }).$type<Ports>().notNull(),
    udp: text('udp', { mode: 'json' }).$type<Ports>().notNull(),
    icmp: integer('icmp', { mode: 'boolean' }).notNull().default(true),
    tags: text('tags', { mode: 'json' }).$type<Record<string, string>>().notNull().default(sql`'{}'`),
    allowReserved: integer('allow_reserved', { mode: 'boolean' }).notNull().default(false),
    /** Of people alone; null: the Tenant's default. */
    policyId: text('policy_id')
      .$type<Id<'policy'>>()
      .references(() => policies.id),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (t) => [
    uniqueIndex('resources_name').on(t.tenantId, t.name),
    uniqueIndex('resources_address').on(t.tenantId, t.remoteNetworkId, t.address),
    uniqueIndex('resources_alias').on(t.tenantId, t.alias),
  ],
);

export const serviceAccounts = sqliteTable(
  'service_accounts',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'serviceAccount'>>().primaryKey(),
    name: text('name').notNull(),
    description: text('description'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [uniqueIndex('service_accounts_name').on(t.tenantId, t.name)],
);

/** `expired` is no column: a key expires by time alone. */
export const serviceKeys = sqliteTable(
  'service_keys',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'serviceKey'>>().primaryKey(),
    serviceAccountId: text('service_account_id')
      .$type<Id<'serviceAccount'>>()
      .notNull()
      .references(() => serviceAccounts.id),
    name: text('name').notNull(),
    publicJwk: text('public_jwk', { mode: 'json' }).$type<PublicJwk>().notNull(),
    createdAt: instant('created_at').notNull(),
    /** Null = unlimited. */
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    lastUsedAt: instant('last_used_at'),
  },
  (t) => [index('service_keys_account').on(t.tenantId, t.serviceAccountId)],
);

/** One running Client under a Service Key or a user session. Never limited in number. */
export const instances = sqliteTable(
  'instances',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'instance'>>().primaryKey(),
    principalId: text('principal_id').$type<PrincipalId>().notNull(),
    /** The Service Key or user session that it logged in with. */
    keyId: text('key_id').$type<CredentialId>(),
    jkt: text('jkt').notNull(),
    hostname: text('hostname'),
    version: text('version'),
    publicAddress: text('public_address'),
    startedAt: instant('started_at').notNull(),
    connectedAt: instant('connected_at'),
    disconnectedAt: instant('disconnected_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [
    index('instances_key').on(t.tenantId, t.keyId),
    index('instances_jkt').on(t.tenantId, t.jkt),
    index('instances_started').on(t.startedAt),
  ],
);

export const grants = sqliteTable(
  'grants',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'grant'>>().primaryKey(),
    resourceId: text('resource_id')
      .$type<Id<'resource'>>()
      .notNull()
      .references(() => resources.id),
    granteeKind: text('grantee_kind', { enum: ['service_account', 'user', 'group'] }).notNull(),
    granteeId: text('grantee_id').notNull(),
    expiresAt: instant('expires_at'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    uniqueIndex('grants_pair').on(t.tenantId, t.resourceId, t.granteeId),
    index('grants_grantee').on(t.tenantId, t.granteeId),
  ],
);

/** Client ACLs of this principal below the version are void. Kept for as long as such an ACL could live. */
export const aclFloors = sqliteTable(
  'acl_floors',
  {
    tenantId: tenantId(),
    principalId: text('principal_id').$type<PrincipalId>().notNull(),
    version: integer('version').notNull(),
    at: instant('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.principalId] })],
);

/** What was revoked, and what came of it. */
export const revocations = sqliteTable(
  'revocations',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'revocation'>>().primaryKey(),
    at: instant('at').notNull(),
    /** What was named: keys, instances, principals, connectors, jkts. */
    subject: text('subject', { mode: 'json' }).$type<Record<string, string[]>>().notNull(),
    receipt: text('receipt', { mode: 'json' }).$type<unknown>(),
  },
  (t) => [index('revocations_at').on(t.tenantId, t.at)],
);

export const events = sqliteTable(
  'events',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'event'>>().notNull(),
    at: instant('at').notNull(),
    kind: text('kind').notNull(),
    reporter: text('reporter').notNull(),
    connection: text('connection').notNull(),
    principal: text('principal'),
    key: text('key'),
    instance: text('instance'),
    clientAddress: text('client_address'),
    resource: text('resource'),
    rule: text('rule'),
    protocol: text('protocol').notNull(),
    host: text('host').notNull(),
    port: integer('port'),
    resolved: text('resolved'),
    network: text('network'),
    connector: text('connector'),
    relay: text('relay'),
    path: text('path').notNull(),
    bytesUp: integer('bytes_up').notNull(),
    bytesDown: integer('bytes_down').notNull(),
    durationMs: integer('duration_ms').notNull(),
    code: text('code'),
    aclAge: integer('acl_age'),
    suppressed: integer('suppressed'),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    /** The last two columns, so that counting by time and kind reads nothing else. */
    index('events_at').on(t.tenantId, t.at, t.id, t.kind, t.suppressed),
    /** By rowid within a Tenant, which is the order in which they were stored. */
    index('events_stored').on(t.tenantId),
    index('events_kind').on(t.tenantId, t.kind, t.at),
    index('events_connection').on(t.tenantId, t.connection),
    index('events_resource').on(t.tenantId, t.resource, t.at),
    index('events_principal').on(t.tenantId, t.principal, t.at),
    index('events_key').on(t.tenantId, t.key, t.at).where(sql`key is not null`),
    index('events_instance').on(t.tenantId, t.instance, t.at).where(sql`instance is not null`),
    index('events_connector').on(t.tenantId, t.connector, t.at),
    index('events_code').on(t.tenantId, t.code, t.at).where(sql`code is not null`),
    index('events_path').on(t.tenantId, t.path, t.at),
  ],
);

export const auditEntries = sqliteTable(
  'audit_entries',
  {
    tenantId: tenantId(),
    id: text('id').$type<Id<'auditEntry'>>().primaryKey(),
    at: instant('at').notNull(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    targetKind: text('target_kind').notNull(),
    targetId: text('target_id').notNull(),
    before: text('before', { mode: 'json' }).$type<unknown>(),
    after: text('after', { mode: 'json' }).$type<unknown>(),
    requestId: text('request_id').notNull(),
    address: text('address'),
  },
  (t) => [
    index('audit_at').on(t.tenantId, t.at, t.id),
    index('audit_target').on(t.tenantId, t.targetId, t.at),
    index('audit_actor').on(t.tenantId, t.actor, t.at),
  ],
);

/** Answers kept for `Idempotency-Key`. */
export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    tenantId: tenantId(),
    key: text('key').notNull(),
    /** Hash of method, path and body: the same key for another request is refused. */
    request: text('request').notNull(),
    status: integer('status'),
    body: text('body'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.key] })],
);

/** Sign what is issued to relays, which belong to no Tenant. The oldest signs; more than one is there only by a race. */
export const deploymentKeys = sqliteTable('deployment_keys', {
  kid: text('kid').primaryKey(),
  publicJwk: text('public_jwk', { mode: 'json' }).$type<PublicJwk>().notNull(),
  /** PKCS#8 sealed with the deployment's key-encryption key. */
  sealed: text('sealed').notNull(),
  createdAt: instant('created_at').notNull(),
});

/** Relays serve the whole deployment, so they belong to no Tenant. `edge` is the Durable Object beside the Controller. */
export const relays = sqliteTable('relays', {
  id: text('id').$type<Id<'relay'>>().primaryKey(),
  name: text('name').notNull().unique(),
  url: text('url').notNull(),
  carriers: text('carriers', { mode: 'json' }).$type<('raw' | 'websocket')[]>().notNull(),
  enrolmentHash: text('enrolment_hash').unique(),
  enrolmentExpiresAt: instant('enrolment_expires_at'),
  publicJwk: text('public_jwk', { mode: 'json' }).$type<PublicJwk>(),
  jkt: text('jkt'),
  createdAt: instant('created_at').notNull(),
  enrolledAt: instant('enrolled_at'),
  connectedAt: instant('connected_at'),
  disconnectedAt: instant('disconnected_at'),
  revokedAt: instant('revoked_at'),
});

/** Single-use token ids, kept until the token they came in has expired. */
export const usedJtis = sqliteTable('used_jtis', {
  jti: text('jti').primaryKey(),
  expiresAt: instant('expires_at').notNull(),
});
