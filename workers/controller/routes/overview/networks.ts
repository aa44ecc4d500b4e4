/** Remote Networks and their Connectors as they stand now. */
import { z } from '@hono/zod-openapi';
import { asc } from 'drizzle-orm';
import { connectors, remoteNetworks, resources } from '#schema/db/tables.ts';
import type { Ask } from '../../admin-route.ts';
import { among } from '../../scope.ts';
import { connector, show } from '../connectors/shape.ts';

const most = 100;

export const networks = z.object({
  total: z.number().int(),
  items: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      location: z.string().nullable(),
      resources: z.number().int(),
      connectors: z.array(
        connector.pick({
          ...{ id: true, name: true, state: true, state_reason: true, version: true },
          ...{ hostname: true, relays: true, last_seen_at: true },
        }),
      ),
    }),
  ),
});

export async function networksNow(ask: Ask): Promise<z.input<typeof networks>> {
  const { scope } = ask;
  const [total, places] = await Promise.all([
    scope.count(remoteNetworks),
    scope.select(remoteNetworks, { orderBy: [asc(remoteNetworks.id)], limit: most }),
  ]);
  const ids = places.map(({ id }) => id);
  const [rows, counts] = await Promise.all([
    scope.select(connectors, {
      where: among(connectors.remoteNetworkId, ids),
      orderBy: [asc(connectors.id)],
    }),
    scope.countBy(resources, resources.remoteNetworkId, among(resources.remoteNetworkId, ids)),
  ]);
  const shown = Map.groupBy(await show(ask, rows), (one) => one.remote_network_id);
  return {
    total,
    items: places.map(({ id, name, location }) => ({
      ...{ id, name, location },
      resources: counts.get(id) ?? 0,
      connectors: (shown.get(id) ?? []).map(
        ({ id, name, state, state_reason, version, hostname, relays, last_seen_at }) => ({
          ...{ id, name, state, state_reason, version, hostname, relays, last_seen_at },
        }),
      ),
    })),
  };
}
