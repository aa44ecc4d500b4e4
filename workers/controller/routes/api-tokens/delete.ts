/** DELETE /api-tokens/{id}: it stops working at once and leaves only its audit entries. */
import { eq } from 'drizzle-orm';
import { apiTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath } from '../../fields.ts';
import { show } from './shape.ts';

export const deleteApiToken = adminRoute(
  {
    method: 'delete',
    path: '/api-tokens/{id}',
    tag: 'API Tokens',
    summary: 'Delete an API token',
    needs: 'tokens:write',
    params: idPath,
  },
  async (ask) => {
    const { scope, now } = ask;
    const row = await scope.byId(apiTokens, ask.params.id);
    if (!row) return absent('API token', ask.params.id);
    return new Change(ask)
      .write(scope.delete(apiTokens, eq(apiTokens.id, row.id)))
      .audit('delete', 'apiToken', row.id, { before: show(row, now) })
      .commit({ body: undefined });
  },
);
