/** GET /tenants, by the deployment's operator, oldest first. */
import { tenants } from '#schema/db/tables.ts';
import { answer, operatorRoute } from '../../admin-route.ts';
import { deploymentOf } from '../../deployment.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { show, tenant } from './shape.ts';

export const listTenants = operatorRoute(
  {
    method: 'get',
    path: '/tenants',
    tag: 'Deployment',
    summary: 'List Tenants',
    query: pageQuery,
    answer: pageOf(tenant),
  },
  async ({ ports, query }) => {
    const found = await page(
      deploymentOf(ports.database),
      tenants,
      query,
      containing(query.q, tenants.id, tenants.slug, tenants.name),
    );
    if (!found.ok) return found;
    const items = found.rows.map((row) => show(row, ports.settings));
    return answer({ items, next_cursor: found.next_cursor });
  },
);
