/** GET /service-accounts/{id}/keys, oldest first. */
import { and, eq } from 'drizzle-orm';
import { serviceAccounts, serviceKeys } from '#schema/db/tables.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { absent, idPath } from '../../fields.ts';
import { page, pageOf, pageQuery } from '../../paginate.ts';
import { containing } from '../../search.ts';
import { serviceKey, show } from './shape.ts';

export const listServiceKeys = adminRoute(
  {
    method: 'get',
    path: '/service-accounts/{id}/keys',
    tag: 'Service Keys',
    summary: 'List the Service Keys of a Service Account',
    needs: 'services:read',
    params: idPath,
    query: pageQuery,
    answer: pageOf(serviceKey),
  },
  async (ask) => {
    const { scope, query, params } = ask;
    const account = await scope.byId(serviceAccounts, params.id);
    if (!account) return absent('Service Account', params.id);
    const found = await page(
      scope,
      serviceKeys,
      query,
      and(
        eq(serviceKeys.serviceAccountId, account.id),
        containing(query.q, serviceKeys.id, serviceKeys.name),
      ),
    );
    if (!found.ok) return found;
    return answer({ items: await show(ask, found.rows), next_cursor: found.next_cursor });
  },
);
