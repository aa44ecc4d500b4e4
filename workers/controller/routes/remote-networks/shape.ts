/**
 * A Remote Network as the API shows it: a place, with what is in it counted.
 */
import { z } from '@hono/zod-openapi';
import { connectors, type remoteNetworks, resources } from '#schema/db/tables.ts';
import { instant, iso, line, name } from '../../fields.ts';
import { among, type Row, type Scope } from '../../scope.ts';

export const remoteNetwork = z
  .object({
    id: z.string().openapi({ example: 'net_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    location: z.string().nullable(),
    connectors: z.number().int(),
    resources: z.number().int(),
    created_at: instant,
  })
  .openapi('RemoteNetwork');

export const writable = { name, location: line(200).nullable() };

export async function show(
  scope: Scope,
  rows: Row<typeof remoteNetworks>[],
): Promise<z.input<typeof remoteNetwork>[]> {
  const ids = rows.map(({ id }) => id);
  const [connectorCounts, resourceCounts] = await Promise.all([
    scope.countBy(connectors, connectors.remoteNetworkId, among(connectors.remoteNetworkId, ids)),
    scope.countBy(resources, resources.remoteNetworkId, among(resources.remoteNetworkId, ids)),
  ]);
  return rows.map(({ id, name, location, createdAt }) => ({
    id,
    name,
    location,
    connectors: connectorCounts.get(id) ?? 0,
    resources: resourceCounts.get(id) ?? 0,
    created_at: iso(createdAt),
  }));
}
