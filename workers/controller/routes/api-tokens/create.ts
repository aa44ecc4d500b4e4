/** POST /api-tokens. A token cannot give away more than it holds. */
import { z } from '@hono/zod-openapi';
import { refuse } from '#schema/errors.ts';
import { adminRoute } from '../../admin-route.ts';
import { covers } from '../../api-scopes.ts';
import { Change } from '../../change.ts';
import { name } from '../../fields.ts';
import { mintToken, scopes, withSecret } from './shape.ts';

const day = 24 * 3_600_000;

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
      expires_in_days: z
        .number()
        .int()
        .min(1)
        .max(36_500)
        .nullable()
        .default(365)
        .openapi({ description: 'Null: unlimited.' }),
    }),
    answer: withSecret,
    status: 201,
  },
  async (ask) => {
    const { scope, now, body, held } = ask;
    const beyond = body.scopes.filter((wanted) => !covers(held, wanted));
    if (beyond.length > 0)
      return refuse('forbidden', `this token does not hold ${beyond.join(', ')} and cannot give it away`);
    const expiresAt = body.expires_in_days === null ? null : now + body.expires_in_days * day;
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
