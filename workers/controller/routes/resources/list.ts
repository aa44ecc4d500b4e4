/** GET /resources, oldest first. */
import { z } from '@hono/zod-openapi';
import { and, eq, sql } from 'drizzle-orm';
import { resources } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { listedResource, showListed } from './shape.ts';

export const listResources = adminRoute(
  {
    method: 'get',
    path: '/resources',
    tag: 'Resources',
    summary: 'List Resources',
    needs: 'resources:read',
    query: pageQuery.extend({
      remote_network_id: z.string().optional(),
      tag: z
        .string()
        .regex(/^[^:]+:/, { message: 'a tag and its value, such as env:prod' })
        .optional()
        .openapi({ example: 'env:prod' }),
    }),
    answer: pageOf(listedResource),
  },
  async ({ scope, query, now }) => {
    const { remote_network_id: network, tag } = query;
    const found = await page(
      scope,
      resources,
      query,
      and(
        network === undefined ? undefined : eq(resources.remoteNetworkId, network as never),
        tag === undefined ? undefined : tagged(tag),
        containing(query.q, resources.id, resources.name, resources.address, resources.alias),
      ),
    );
    if (!found.ok) return found;
    return answer({ items: await showListed(scope, found.rows, now), next_cursor: found.next_cursor });
  },
);

const tagged = (tag: string) => {
  const colon = tag.indexOf(':');
  const [key, value] = [tag.slice(0, colon), tag.slice(colon + 1)];
  return sql`exists (select 1 from json_each(${resources.tags}) where key = ${key} and value = ${value})`;
};
