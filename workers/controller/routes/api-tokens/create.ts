/** POST /api-tokens. A token cannot give away more than it holds. */
import { z } from '@hono/zod-openapi';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { endAfter, expiresInDays, name } from '../../fields.ts';
import { beyond, mintToken, scopes, withSecret } from './shape.ts';

export const createApiToken = adminRoute(
  {
    method: 'post',
    path: '/api-tokens',
    tag: 'API Tokens',
    summary: 'Create an API token',
    needs: 'tokens:write',
    body: z.strictObject({
      name,
      scopes,
      expires_in_days: expiresInDays.openapi({ description: 'Null: unlimited.' }),
    }),
    answer: withSecret,
    status: 201,
  },
  async (ask) => {
    const { scope, now, body, held } = ask;
    const refusal = beyond(held, body.scopes);
    if (refusal) return refusal;
    const expiresAt = endAfter(now, body.expires_in_days);
    const { shown, secret, statement } = await mintToken(ask, scope.tenantId, {
      name: body.name,
      scopes: body.scopes,
      expiresAt,
    });
    return new Change(ask)
      .write(statement)
      .audit('create', 'apiToken', shown.id, { after: shown })
      .commit({ body: { ...shown, token: secret } });
  },
);
