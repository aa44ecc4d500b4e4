/**
 * What the two ACLs say. A Client ACL lists what one instance may reach in one Remote Network; a Connector
 * ACL lists what may be forwarded to there, and what of the Client ACLs still in circulation no longer
 * counts. A flow passes only in the intersection (`intersect.ts`), and only the Controller can sign either.
 */
import * as z from 'zod/mini';

/** Inclusive. */
export const portRange = z.object({
  from: z.int().check(z.gte(1), z.lte(65535)),
  to: z.int().check(z.gte(1), z.lte(65535)),
});
export const ports = z.union([
  z.literal('all'),
  z.literal('none'),
  z.array(portRange).check(z.minLength(1), z.maxLength(64)),
]);

/** A Resource as the ACLs carry it. `address` and `alias` are in canonical form (`resource/address.ts`). */
export const aclResource = z.object({
  id: z.string(),
  address: z.string(),
  alias: z.optional(z.string()),
  tcp: ports,
  udp: ports,
  icmp: z.boolean(),
  /**
   * The Resource's `allow_reserved`: it may lead to loopback, link-local and the like (`name/reserved.ts`).
   * Only the Connector ACL's word counts; absent = no.
   */
  reserved: z.optional(z.boolean()),
});

/** `until`: when the grant ends, seconds since the epoch. */
export const grantedResource = z.extend(aclResource, { until: z.optional(z.int()) });

export const clientAclBody = z.object({
  network: z.string(),
  version: z.int(),
  resources: z.array(grantedResource),
});

/**
 * One entry of a Connector ACL, kept under a key of its own so that a change is a small difference:
 * `resource:<id>` what may be forwarded to; `floor:<principal>` Client ACLs of this principal below the
 * version are void; `revoked:<key, instance or jkt>` nothing that names it is accepted any more.
 */
export const aclEntry = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('resource'), resource: aclResource }),
  z.object({ kind: z.literal('floor'), principal: z.string(), version: z.int() }),
  z.object({ kind: z.literal('revoked'), id: z.string() }),
]);

export type PortRange = z.infer<typeof portRange>;
export type Ports = z.infer<typeof ports>;
export type AclResource = z.infer<typeof aclResource>;
export type GrantedResource = z.infer<typeof grantedResource>;
export type ClientAclBody = z.infer<typeof clientAclBody>;
export type AclEntry = z.infer<typeof aclEntry>;
export type AclEntries = Readonly<Record<string, AclEntry>>;

export const entryKey = (entry: AclEntry): string =>
  entry.kind === 'resource'
    ? `resource:${entry.resource.id}`
    : entry.kind === 'floor'
      ? `floor:${entry.principal}`
      : `revoked:${entry.id}`;

/**
 * Where a flow wants to go. `host` is a name in lower case without a final dot, or an IP address. `dns` asks
 * the Remote Network's resolver for records of the host: any Resource that covers it allows that.
 */
export interface Destination {
  protocol: 'tcp' | 'udp' | 'icmp' | 'dns';
  host: string;
  /** Absent for ICMP and DNS. */
  port?: number;
}
