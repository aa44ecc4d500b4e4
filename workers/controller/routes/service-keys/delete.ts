/** DELETE /service-keys/{id}: a revoked or expired key, gone for good. */
import { eq } from 'drizzle-orm';
import { instances, serviceKeys } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { notAllowed, showOne } from './shape.ts';

export const deleteServiceKey = adminRoute(
  {
    method: 'delete',
    path: '/service-keys/{id}',
    tag: 'Service Keys',
    summary: 'Delete a revoked or expired Service Key',
    needs: 'services:write',
    params: idPath,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(serviceKeys, ask.params.id);
    if (!row) return absent('Service Key', ask.params.id);
    const refusal = notAllowed(row, 'delete', now);
    if (refusal) return refusal;
    return new Change(ask)
      .write(
        scope.delete(instances, eq(instances.keyId, row.id)),
        scope.delete(serviceKeys, eq(serviceKeys.id, row.id)),
      )
      .audit('delete', 'serviceKey', row.id, { before: showOne(row, 0, now) })
      .commit({ body: undefined });
  },
);
