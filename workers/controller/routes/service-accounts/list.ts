/** GET /service-accounts, oldest first. */
import { serviceAccounts } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { serviceAccount, show } from './shape.ts';

export const listServiceAccounts = adminRoute(
  {
    method: 'get',
    path: '/service-accounts',
    tag: 'Service Accounts',
    summary: 'List Service Accounts',
    needs: 'services:read',
    query: pageQuery,
    answer: pageOf(serviceAccount),
  },
  async (ask) => {
    const found = await page(
      ask.scope,
      serviceAccounts,
      ask.query,
      containing(ask.query.q, serviceAccounts.id, serviceAccounts.name, serviceAccounts.description),
    );
    if (!found.ok) return found;
    return answer({ items: await show(ask, found.rows), next_cursor: found.next_cursor });
  },
);
