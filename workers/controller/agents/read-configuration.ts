/**
 * Reads, in one transaction, all that the ACLs of some agents are compiled from (`compile-acl.ts`) and whether
 * these agents' credentials still stand. One transaction, because an ACL that bears a version must hold what
 * that version held; one round trip, because it happens at each login and each push.
 */
import { and, eq, gt, isNotNull, isNull, or } from 'drizzle-orm';
import {
  aclFloors,
  connectors,
  grants,
  groupMembers,
  instances,
  policies,
  relays,
  resources,
  revocations,
  serviceKeys,
  tenants,
  userSessions,
  users,
} from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { clockTolerance, tokenKinds } from '#schema/token/kinds.ts';
import type { Tenant } from '../context.ts';
import type { Database, Ports } from '../ports.ts';
import { among, type Row, type Scope } from '../scope.ts';

/** Whom the ACLs are for. Each list holds ids. */
export interface Wanted {
  principals?: readonly string[];
  networks?: readonly string[];
  keys?: readonly string[];
  instances?: readonly string[];
}

export interface Configuration {
  tenant: Tenant;
  /** Milliseconds since the epoch: what had expired by then is not in here. */
  now: number;
  /** By principal; of a person also what their groups are granted. */
  grants: Map<string, { expiresAt: number | null; resource: Row<typeof resources> }[]>;
  resources: Row<typeof resources>[];
  /** Every enrolled Connector of the Tenant that is not revoked. */
  connectors: Row<typeof connectors>[];
  floors: Row<typeof aclFloors>[];
  revocations: Row<typeof revocations>[];
  relays: Row<typeof relays>[];
  /** By id. */
  keys: Map<string, Row<typeof serviceKeys>>;
  /** By id. */
  instances: Map<string, Row<typeof instances>>;
  /** People's sessions among the keys that were asked for, by id. */
  sessions: Map<string, { session: Row<typeof userSessions> /** Of its user. */; active: boolean }>;
  policies: Row<typeof policies>[];
}

/** Milliseconds for which a Client ACL that no longer counts could still be presented. */
export const aclMemory = (tokenKinds.clientAcl.lifetime + 2 * clockTolerance) * 1000;

/** @returns undefined when the Tenant is gone. */
export async function readConfiguration(
  database: Database,
  tenantId: Id<'tenant'>,
  wanted: Wanted,
  now: number,
): Promise<Configuration | undefined> {
  const horizon = now - aclMemory;
  const [tenantRows, grantRows, ...rest] = await database.batch([
    database.select().from(tenants).where(eq(tenants.id, tenantId)),
    database
      .select({ principal: grants.granteeId, expiresAt: grants.expiresAt, resource: resources })
      .from(grants)
      .innerJoin(resources, and(eq(grants.resourceId, resources.id), eq(resources.tenantId, tenantId)))
      .where(
        and(
          eq(grants.tenantId, tenantId),
          among(grants.granteeId, wanted.principals ?? []),
          or(isNull(grants.expiresAt), gt(grants.expiresAt, now)),
        ),
      ),
    database
      .select()
      .from(resources)
      .where(and(eq(resources.tenantId, tenantId), among(resources.remoteNetworkId, wanted.networks ?? []))),
    database
      .select()
      .from(connectors)
      .where(
        and(eq(connectors.tenantId, tenantId), isNotNull(connectors.hash), isNull(connectors.revokedAt)),
      ),
    database
      .select()
      .from(aclFloors)
      .where(and(eq(aclFloors.tenantId, tenantId), gt(aclFloors.at, horizon))),
    database
      .select()
      .from(revocations)
      .where(and(eq(revocations.tenantId, tenantId), gt(revocations.at, horizon))),
    database
      .select()
      .from(relays)
      .where(and(isNotNull(relays.enrolledAt), isNull(relays.revokedAt))),
    database
      .select()
      .from(serviceKeys)
      .where(and(eq(serviceKeys.tenantId, tenantId), among(serviceKeys.id, wanted.keys ?? []))),
    database
      .select()
      .from(instances)
      .where(and(eq(instances.tenantId, tenantId), among(instances.id, wanted.instances ?? []))),
    database
      .select({ principal: groupMembers.userId, expiresAt: grants.expiresAt, resource: resources })
      .from(groupMembers)
      .innerJoin(grants, and(eq(grants.granteeId, groupMembers.groupId), eq(grants.tenantId, tenantId)))
      .innerJoin(resources, and(eq(grants.resourceId, resources.id), eq(resources.tenantId, tenantId)))
      .where(
        and(
          eq(groupMembers.tenantId, tenantId),
          among(groupMembers.userId, wanted.principals ?? []),
          or(isNull(grants.expiresAt), gt(grants.expiresAt, now)),
        ),
      ),
    database
      // In a batch of D1 two columns of one name are one: no more of the user than this.
      .select({ session: userSessions, active: users.active })
      .from(userSessions)
      .innerJoin(users, and(eq(userSessions.userId, users.id), eq(users.tenantId, tenantId)))
      .where(and(eq(userSessions.tenantId, tenantId), among(userSessions.id, wanted.keys ?? []))),
    database.select().from(policies).where(eq(policies.tenantId, tenantId)),
  ]);
  const [tenant] = tenantRows;
  if (!tenant) return undefined;
  const [
    resourceRows,
    connectorRows,
    floorRows,
    revocationRows,
    relayRows,
    keyRows,
    instanceRows,
    ...people
  ] = rest;
  const [groupRows, sessionRows, policyRows] = people;
  return {
    tenant,
    now,
    grants: Map.groupBy(longest([...grantRows, ...groupRows]), ({ principal }) => principal),
    resources: resourceRows,
    connectors: connectorRows,
    floors: floorRows,
    revocations: revocationRows,
    relays: relayRows,
    keys: new Map(keyRows.map((row) => [row.id, row])),
    instances: new Map(instanceRows.map((row) => [row.id, row])),
    sessions: new Map(sessionRows.map((row) => [row.session.id, row])),
    policies: policyRows,
  };
}

/** The same of the Tenant that a scope is of. */
export const readInScope = (
  { ports, scope, now }: { ports: Pick<Ports, 'database'>; scope: Scope; now: number },
  wanted: Wanted,
): Promise<Configuration | undefined> => readConfiguration(ports.database, scope.tenantId, wanted, now);

interface GrantRow {
  principal: string;
  expiresAt: number | null;
  resource: Row<typeof resources>;
}

/** Who has a Resource by several grants has it as long as the longest of them. */
function longest(rows: GrantRow[]): GrantRow[] {
  const kept = new Map<string, GrantRow>();
  for (const row of rows) {
    const pair = `${row.principal} ${row.resource.id}`;
    const held = kept.get(pair);
    if (!held || (held.expiresAt ?? Infinity) < (row.expiresAt ?? Infinity)) kept.set(pair, row);
  }
  return [...kept.values()];
}
