/**
 * DELETE /service-accounts/{id}, with its grants and dead keys. A key is deleted only once it is revoked or
 * expired, and deleting the account is no way around that.
 */
import { eq } from 'drizzle-orm';
import { grants, instances, serviceAccounts, serviceKeys } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { stateOf } from '#schema/service-key/life.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';

export const deleteServiceAccount = adminRoute(
  {
    method: 'delete',
    path: '/service-accounts/{id}',
    tag: 'Service Accounts',
    summary: 'Delete a Service Account that has no active key',
    needs: 'services:write',
    params: idPath,
    refuses: ['in_use'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(serviceAccounts, ask.params.id);
    if (!row) return absent('Service Account', ask.params.id);
    const keys = await scope.select(serviceKeys, { where: eq(serviceKeys.serviceAccountId, row.id) });
    const active = keys.filter((key) => stateOf(key, now) === 'active').map(({ id }) => id);
    if (active.length > 0) {
      const named = active.slice(0, 5).join(', ');
      return refuse('in_use', `revoke its active keys first: ${named}${active.length > 5 ? ', …' : ''}`);
    }
    return new Change(ask)
      .write(
        scope.delete(grants, eq(grants.granteeId, row.id)),
        scope.delete(instances, eq(instances.principalId, row.id)),
        scope.delete(serviceKeys, eq(serviceKeys.serviceAccountId, row.id)),
        scope.delete(serviceAccounts, eq(serviceAccounts.id, row.id)),
      )
      .audit('delete', 'serviceAccount', row.id, {
        before: { id: row.id, name: row.name, description: row.description, keys: keys.map(({ id }) => id) },
      })
      .floor(row.id)
      .commit({ body: undefined });
  },
);
