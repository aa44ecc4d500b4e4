/** DELETE /connectors/{id}. One that still may work is revoked by it: what it carries is cut. */
import { eq } from 'drizzle-orm';
import { connectors, enrolmentTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { identityOf, show } from './shape.ts';

export const deleteConnector = adminRoute(
  {
    method: 'delete',
    path: '/connectors/{id}',
    tag: 'Connectors',
    summary: 'Delete a Connector',
    needs: 'connectors:write',
    params: idPath,
  },
  async (ask) => {
    const { scope } = ask;
    const row = await scope.byId(connectors, ask.params.id);
    if (!row) return absent('Connector', ask.params.id);
    const [before] = await show(ask, [row]);
    const change = new Change(ask)
      .write(
        scope.delete(enrolmentTokens, eq(enrolmentTokens.connectorId, row.id)),
        scope.delete(connectors, eq(connectors.id, row.id)),
      )
      .audit('delete', 'connector', row.id, { before });
    if (row.revokedAt !== null || row.hash === null) return change.commit({ body: undefined });
    return change.revoke(await identityOf(row)).commit(() => ({ body: undefined }));
  },
);
