/** POST /user-sessions/{id}/revoke: ends one login on one device, and every flow behind it. One's own in any role. */
import { and, eq, isNull } from 'drizzle-orm';
import { instances, userSessions } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal } from '../../fields.ts';
import { mayEnd } from '../../people/may-end.ts';
import { receipt, showReceipt } from '../../receipt.ts';
import { show, userSession } from './shape.ts';

export const revokeUserSession = adminRoute(
  {
    method: 'post',
    path: '/user-sessions/{id}/revoke',
    tag: 'People',
    summary: 'End a person’s login on a device',
    description: 'One’s own; those of others need the scope sessions:write.',
    params: idPath,
    answer: userSession.extend({ receipt }).openapi('UserSessionRevoked'),
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(userSessions, ask.params.id);
    const refused = mayEnd(ask, row);
    if (refused) return refused;
    if (!row) return absent('user session', ask.params.id);
    const before = show(row, now, 0);
    if (before.state !== 'active') return illegal('user session', before.state, []);
    const running = await scope.select(instances, {
      where: and(eq(instances.keyId, row.id), isNull(instances.revokedAt)),
      limit: 100,
    });
    const shown = show({ ...row, revokedAt: now }, now, 0);
    return new Change(ask)
      .write(scope.update(userSessions, { revokedAt: now }, eq(userSessions.id, row.id)))
      .audit('revoke', 'userSession', row.id, { before, after: shown })
      .revoke({ keys: [row.id], jkts: running.map(({ jkt }) => jkt) })
      .commit((made) => ({ body: { ...shown, receipt: showReceipt(made) } }));
  },
);
