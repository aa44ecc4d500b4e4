/** Clients that are connected now. */
import { z } from '@hono/zod-openapi';
import { desc } from 'drizzle-orm';
import { instances } from '#schema/db/tables.ts';
import type { Ask } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { namesOf } from '../../names.ts';
import { presentAgents } from '../../presence.ts';
import { among } from '../../scope.ts';

const most = 100;

export const liveClients = z.object({
  total: z.number().int(),
  items: z.array(
    z.object({
      instance: z.string(),
      principal: z.string(),
      principal_name: z.string().nullable(),
      hostname: z.string().nullable(),
      version: z.string().nullable(),
      address: z.string().nullable(),
      since: instant,
    }),
  ),
});

export async function clientsNow(ask: Ask): Promise<z.input<typeof liveClients>> {
  const { scope } = ask;
  const present = await presentAgents(ask, 'client');
  if (present.size === 0) return { total: 0, items: [] };
  const rows = await scope.select(instances, {
    where: among(instances.id, [...present.keys()]),
    orderBy: [desc(instances.startedAt)],
    limit: most,
  });
  const names = await namesOf(
    scope,
    rows.map(({ principalId }) => principalId),
  );
  return {
    total: present.size,
    items: rows.map(({ id, principalId, hostname, version, publicAddress, startedAt }) => ({
      instance: id,
      principal: principalId,
      principal_name: names[principalId] ?? null,
      ...{ hostname, version, address: publicAddress },
      since: iso(present.get(id)?.since ?? startedAt),
    })),
  };
}
