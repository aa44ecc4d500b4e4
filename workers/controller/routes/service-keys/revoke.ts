/**
 * POST /service-keys/{id}/revoke: final. Every flow of every Client on this key is cut, at every Connector
 * and relay, and the answer says which of them confirmed.
 */
import { and, desc, eq, isNull } from 'drizzle-orm';
import { instances, serviceKeys } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, iso } from '../../fields.ts';
import { receipt, showReceipt } from '../../receipt.ts';
import { notAllowed, serviceKey, showOne } from './shape.ts';

/**
 * The newest instances that are named one by one to the relays. Connectors cut by the key itself, however
 * many there are; the bound keeps the order within one message of the control channel.
 */
const namedInstances = 10_000;

export const revokeServiceKey = adminRoute(
  {
    method: 'post',
    path: '/service-keys/{id}/revoke',
    tag: 'Service Keys',
    summary: 'Revoke a Service Key for good',
    needs: 'services:write',
    params: idPath,
    answer: serviceKey.extend({ receipt }).openapi('ServiceKeyRevoked'),
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(serviceKeys, ask.params.id);
    if (!row) return absent('Service Key', ask.params.id);
    const refusal = notAllowed(row, 'revoke', now);
    if (refusal) return refusal;
    const behind = await scope.select(instances, {
      where: and(eq(instances.keyId, row.id), isNull(instances.revokedAt)),
      orderBy: [desc(instances.startedAt)],
      limit: namedInstances,
    });
    const shown = showOne({ ...row, revokedAt: now }, 0, now);
    const notYet = and(eq(serviceKeys.id, row.id), isNull(serviceKeys.revokedAt))!;
    return new Change(ask)
      .write(scope.update(serviceKeys, { revokedAt: now }, notYet))
      .audit('revoke', 'serviceKey', row.id, { after: { revoked_at: iso(now) } })
      .revoke({ keys: [row.id], jkts: behind.map(({ jkt }) => jkt) })
      .commit((made) => ({ body: { ...shown, receipt: showReceipt(made) } }));
  },
);
