/** GET /service-keys/{id}/instances, oldest first; `live=true` for those that hold a control channel now. */
import { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import { instances, serviceKeys } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { presentAgents } from '../../presence.ts';
import { among } from '../../scope.ts';
import { containing } from '../../search.ts';
import { instance, show } from './shape.ts';

export const listInstances = adminRoute(
  {
    method: 'get',
    path: '/service-keys/{id}/instances',
    tag: 'Service Keys',
    summary: 'List the instances of a Service Key',
    needs: 'services:read',
    params: idPath,
    query: pageQuery.extend({ live: z.enum(['true']).optional() }),
    answer: pageOf(instance),
  },
  async (ask) => {
    const { scope, query, params } = ask;
    const key = await scope.byId(serviceKeys, params.id);
    if (!key) return absent('Service Key', params.id);
    const present = await presentAgents(ask, 'client');
    const onlyLive = query.live ? among(instances.id, [...present.keys()]) : undefined;
    const found = await page(
      scope,
      instances,
      query,
      and(
        eq(instances.keyId, key.id),
        onlyLive,
        containing(query.q, instances.id, instances.hostname, instances.publicAddress),
      ),
    );
    if (!found.ok) return found;
    const items = found.rows.map((row) => show(row, present.has(row.id)));
    return answer({ items, next_cursor: found.next_cursor });
  },
);
