/** POST /instances/{id}/revoke: cuts one Client; its key and the others go on. */
import { eq } from 'drizzle-orm';
import { instances } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal, iso } from '../../fields.ts';
import { receipt, showReceipt } from '../../receipt.ts';
import { instance, show } from './shape.ts';

export const revokeInstance = adminRoute(
  {
    method: 'post',
    path: '/instances/{id}/revoke',
    tag: 'Service Keys',
    summary: 'Revoke one instance for good',
    needs: 'services:write',
    params: idPath,
    answer: instance.extend({ receipt }).openapi('InstanceRevoked'),
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(instances, ask.params.id);
    if (!row) return absent('instance', ask.params.id);
    if (row.revokedAt !== null) return illegal('instance', 'revoked', []);
    const shown = show({ ...row, revokedAt: now }, false);
    return new Change(ask)
      .write(scope.update(instances, { revokedAt: now }, eq(instances.id, row.id)))
      .audit('revoke', 'instance', row.id, { after: { revoked_at: iso(now) } })
      .revoke({ instances: [row.id], jkts: [row.jkt] })
      .commit((made) => ({ body: { ...shown, receipt: showReceipt(made) } }));
  },
);
