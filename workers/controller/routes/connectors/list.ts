/** GET /connectors, oldest first, with their states. */
import { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import { connectors } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { connector, show } from './shape.ts';

export const listConnectors = adminRoute(
  {
    method: 'get',
    path: '/connectors',
    tag: 'Connectors',
    summary: 'List Connectors',
    needs: 'connectors:read',
    query: pageQuery.extend({ remote_network_id: z.string().optional() }),
    answer: pageOf(connector),
  },
  async (ask) => {
    const network = ask.query.remote_network_id;
    const where = and(
      network === undefined ? undefined : eq(connectors.remoteNetworkId, network as never),
      containing(ask.query.q, connectors.id, connectors.name, connectors.hostname, connectors.hash),
    );
    const found = await page(ask.scope, connectors, ask.query, where);
    if (!found.ok) return found;
    return answer({ items: await show(ask, found.rows), next_cursor: found.next_cursor });
  },
);
