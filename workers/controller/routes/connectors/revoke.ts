/**
 * POST /connectors/{id}/revoke: final. Its tunnels are cut at once, Clients no longer learn of it, its key
 * and its unused enrolment tokens are dead.
 */
import { eq } from 'drizzle-orm';
import { connectors, enrolmentTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal, iso } from '../../fields.ts';
import { receipt, showReceipt } from '../../receipt.ts';
import { connector, identityOf, show } from './shape.ts';

export const revokeConnector = adminRoute(
  {
    method: 'post',
    path: '/connectors/{id}/revoke',
    tag: 'Connectors',
    summary: 'Revoke a Connector for good',
    needs: 'connectors:write',
    params: idPath,
    answer: connector.extend({ receipt }),
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(connectors, ask.params.id);
    if (!row) return absent('Connector', ask.params.id);
    if (row.revokedAt !== null) return illegal('Connector', 'revoked', ['delete']);
    const shown = (await show(ask, [{ ...row, revokedAt: now }]))[0]!;
    return new Change(ask)
      .write(
        scope.update(connectors, { revokedAt: now }, eq(connectors.id, row.id)),
        scope.delete(enrolmentTokens, eq(enrolmentTokens.connectorId, row.id)),
      )
      .audit('revoke', 'connector', row.id, { after: { revoked_at: iso(now) } })
      .revoke(await identityOf(row))
      .commit((made) => ({ body: { ...shown, receipt: showReceipt(made) } }));
  },
);
