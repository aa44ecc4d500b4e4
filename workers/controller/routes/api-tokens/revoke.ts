/** POST /api-tokens/{id}/revoke: final, from the next request on. */
import { eq } from 'drizzle-orm';
import { apiTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal } from '../../fields.ts';
import { apiToken, show } from './shape.ts';

export const revokeApiToken = adminRoute(
  {
    method: 'post',
    path: '/api-tokens/{id}/revoke',
    tag: 'API Tokens',
    summary: 'Revoke an API token for good',
    needs: 'tokens:write',
    params: idPath,
    answer: apiToken,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(apiTokens, ask.params.id);
    if (!row) return absent('API token', ask.params.id);
    const before = show(row, now);
    if (before.state !== 'active') return illegal('API token', before.state, ['delete']);
    const after = show({ ...row, revokedAt: now }, now);
    return new Change(ask)
      .write(scope.update(apiTokens, { revokedAt: now }, eq(apiTokens.id, row.id)))
      .audit('revoke', 'apiToken', row.id, { after: { revoked_at: after.revoked_at } })
      .commit({ body: after });
  },
);
