/** PATCH /api-tokens/{id}: its name and scopes; within what the caller's own token holds. */
import { eq } from 'drizzle-orm';
import { apiTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal, name, someOf } from '../../fields.ts';
import { apiToken, beyond, scopes, show } from './shape.ts';

export const updateApiToken = adminRoute(
  {
    method: 'patch',
    path: '/api-tokens/{id}',
    tag: 'API Tokens',
    summary: 'Change the name or the scopes of an API token',
    needs: 'tokens:write',
    params: idPath,
    body: someOf({ name, scopes }),
    answer: apiToken,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now, body, held } = ask;
    const row = await scope.byId(apiTokens, ask.params.id);
    if (!row) return absent('API token', ask.params.id);
    const before = show(row, now);
    if (before.state !== 'active') return illegal('API token', before.state, ['delete']);
    const refusal = beyond(held, body.scopes ?? []);
    if (refusal) return refusal;
    const after = { ...before, ...body };
    return new Change(ask)
      .write(scope.update(apiTokens, body, eq(apiTokens.id, row.id)))
      .audit('update', 'apiToken', row.id, { before, after })
      .commit({ body: after });
  },
);
