/** POST /scim-tokens/{id}/revoke: final. */
import { eq } from 'drizzle-orm';
import { scimTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal } from '../../fields.ts';
import { scimToken, show } from './shape.ts';

export const revokeScimToken = adminRoute(
  {
    method: 'post',
    path: '/scim-tokens/{id}/revoke',
    tag: 'SCIM',
    summary: 'Revoke a SCIM token for good',
    needs: 'scim:write',
    params: idPath,
    answer: scimToken,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(scimTokens, ask.params.id);
    if (!row) return absent('SCIM token', ask.params.id);
    const { state } = show(row, now);
    if (state !== 'active') return illegal('SCIM token', state, ['delete']);
    const shown = show({ ...row, revokedAt: now }, now);
    return new Change(ask)
      .write(scope.update(scimTokens, { revokedAt: now }, eq(scimTokens.id, row.id)))
      .audit('revoke', 'scimToken', row.id, { before: show(row, now), after: shown })
      .commit({ body: shown });
  },
);
