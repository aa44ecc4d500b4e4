/** GET /relays, by the deployment's operator, oldest first. */
import { relays } from '#schema/db/tables.ts';
import { answer, operatorRoute } from '../../admin-route.ts';
import { deploymentOf } from '../../deployment.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { relay, show } from './shape.ts';

export const listRelays = operatorRoute(
  {
    method: 'get',
    path: '/relays',
    tag: 'Deployment',
    summary: 'List relays',
    query: pageQuery,
    answer: pageOf(relay),
  },
  async ({ ports, query }) => {
    const found = await page(
      deploymentOf(ports.database),
      relays,
      query,
      containing(query.q, relays.id, relays.name, relays.url),
    );
    if (!found.ok) return found;
    return answer({ items: found.rows.map(show), next_cursor: found.next_cursor });
  },
);
