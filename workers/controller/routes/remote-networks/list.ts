/** GET /remote-networks, oldest first. */
import { remoteNetworks } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { remoteNetwork, show } from './shape.ts';

export const listRemoteNetworks = adminRoute(
  {
    method: 'get',
    path: '/remote-networks',
    tag: 'Remote Networks',
    summary: 'List Remote Networks',
    needs: 'networks:read',
    query: pageQuery,
    answer: pageOf(remoteNetwork),
  },
  async ({ scope, query }) => {
    const found = await page(
      scope,
      remoteNetworks,
      query,
      containing(query.q, remoteNetworks.id, remoteNetworks.name, remoteNetworks.location),
    );
    if (!found.ok) return found;
    return answer({ items: await show(scope, found.rows), next_cursor: found.next_cursor });
  },
);
