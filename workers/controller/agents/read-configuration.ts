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
  instances,
  relays,
  resources,
  revocations,
  serviceKeys,
  tenants,
} from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { clockTolerance, tokenKinds } from '#schema/token/kinds.ts';
import type { Tenant } from '../context.ts';
import type { Database } from '../ports.ts';
import { among, type Row } from '../scope.ts';

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
  /** By principal. */
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
  ]);
  const [tenant] = tenantRows;
  if (!tenant) return undefined;
  const [resourceRows, connectorRows, floorRows, revocationRows, relayRows, keyRows, instanceRows] = rest;
  return {
    tenant,
    now,
    grants: Map.groupBy(grantRows, ({ principal }) => principal),
    resources: resourceRows,
    connectors: connectorRows,
    floors: floorRows,
    revocations: revocationRows,
    relays: relayRows,
    keys: new Map(keyRows.map((row) => [row.id, row])),
    instances: new Map(instanceRows.map((row) => [row.id, row])),
  };
}
