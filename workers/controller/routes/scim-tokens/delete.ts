/** DELETE /scim-tokens/{id}, once it is revoked or expired. */
import { eq } from 'drizzle-orm';
import { scimTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal } from '../../fields.ts';
import { show } from './shape.ts';

export const deleteScimToken = adminRoute(
  {
    method: 'delete',
    path: '/scim-tokens/{id}',
    tag: 'SCIM',
    summary: 'Delete a SCIM token that is revoked or expired',
    needs: 'scim:write',
    params: idPath,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(scimTokens, ask.params.id);
    if (!row) return absent('SCIM token', ask.params.id);
    const before = show(row, now);
    if (before.state === 'active') return illegal('SCIM token', 'active', ['revoke']);
    return new Change(ask)
      .write(scope.delete(scimTokens, eq(scimTokens.id, row.id)))
      .audit('delete', 'scimToken', row.id, { before })
      .commit({ body: undefined });
  },
);
