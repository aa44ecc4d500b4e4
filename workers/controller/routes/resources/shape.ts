/**
 * A Resource as the API shows it, and as an administrator may write it: what is stored is canonical
 * (`schema/resource/canonical.ts`), so that two spellings of one address cannot be two Resources.
 */
import { z } from '@hono/zod-openapi';
import { and, gt, isNull, or } from 'drizzle-orm';
import { grants, remoteNetworks, type resources } from '#schema/db/tables.ts';
import { instant, iso, name } from '../../fields.ts';
import { among, type Row, type Scope } from '../../scope.ts';

/** Whether the numbers are ports is said by `ports_invalid`, which knows what to say. */
const range = z.strictObject({ from: z.number(), to: z.number() });
const ports = z.union([z.literal('all'), z.literal('none'), z.array(range).max(64)]).openapi('Ports', {
  example: [{ from: 80, to: 80 }],
  description: '`all`, `none`, or ranges within 1–65535, both ends included.',
});

export const writable = {
  name,
  remote_network_id: z.string(),
  address: z.string().max(260).openapi({ example: 'db.internal' }),
  alias: z.string().max(260).nullable(),
  tcp: ports,
  udp: ports,
  icmp: z.boolean(),
  tags: z
    .record(z.string().min(1).max(64), z.string().max(256))
    .refine((tags) => Object.keys(tags).length <= 32, {
      message: 'at most 32 tags',
    })
    // The types know OpenAPI 3.0, which had no `propertyNames`.
    .openapi({ maxProperties: 32, propertyNames: { minLength: 1, maxLength: 64 } } as {
      maxProperties: number;
    }),
  allow_reserved: z.boolean(),
  policy_id: z.string().max(64).nullable().openapi({
    description: 'The Security Policy that people must satisfy; null: the Tenant’s default.',
  }),
};

export const resource = z
  .object({
    id: z.string().openapi({ example: 'res_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    ...writable,
    created_at: instant,
    updated_at: instant,
  })
  .openapi('Resource');

/** In lists, where an id alone would tell a reader nothing. */
export const listedResource = resource
  .extend({
    remote_network_name: z.string(),
    grants: z.number().int().openapi({ description: 'Those in force now.' }),
  })
  .openapi('ListedResource');

export const overlap = z.object({
  resource_id: z.string(),
  name: z.string(),
  address: z.string(),
  alias: z.string().nullable(),
  wins: z.enum(['this', 'other']).openapi({ description: 'Which of the two decides where both match.' }),
  why: z.enum(['literal_name', 'more_literal_characters', 'longer_prefix', 'older']),
});

export const withOverlaps = resource
  .extend({
    overlaps: z
      .array(overlap)
      .openapi({ description: 'Resources that match some of the same destinations, at most 100.' }),
  })
  .openapi('ResourceWithOverlaps');

export const show = (row: Row<typeof resources>): z.input<typeof resource> => ({
  id: row.id,
  name: row.name,
  remote_network_id: row.remoteNetworkId,
  address: row.address,
  alias: row.alias,
  tcp: row.tcp,
  udp: row.udp,
  icmp: row.icmp,
  tags: row.tags,
  allow_reserved: row.allowReserved,
  policy_id: row.policyId,
  created_at: iso(row.createdAt),
  updated_at: iso(row.updatedAt),
});

export async function showListed(
  scope: Scope,
  rows: Row<typeof resources>[],
  now: number,
): Promise<z.input<typeof listedResource>[]> {
  const ids = rows.map(({ id }) => id);
  const places = rows.map(({ remoteNetworkId }) => remoteNetworkId);
  const inForce = or(isNull(grants.expiresAt), gt(grants.expiresAt, now));
  const [networks, granted] = await Promise.all([
    scope.select(remoteNetworks, { where: among(remoteNetworks.id, places) }),
    scope.countBy(grants, grants.resourceId, and(among(grants.resourceId, ids), inForce)),
  ]);
  const names = new Map<string, string>(networks.map(({ id, name }) => [id, name]));
  return rows.map((row) => ({
    ...show(row),
    remote_network_name: names.get(row.remoteNetworkId) ?? row.remoteNetworkId,
    grants: granted.get(row.id) ?? 0,
  }));
}

export const refusals = [
  'address_invalid',
  'address_host_bits',
  'address_reserved',
  'address_taken',
  'ports_invalid',
  'alias_invalid',
  'alias_taken',
  'name_taken',
] as const;
