/**
 * POST /tenants/{id}/api-tokens, by the deployment's operator: a way back in for a Tenant that lost its last
 * token. The Tenant finds it in its audit.
 */
import { z } from '@hono/zod-openapi';
import { tenants } from '#schema/db/tables.ts';
import { operatorRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { deploymentOf } from '../../deployment.ts';
import { absent, idPath, name } from '../../fields.ts';
import { scopeOf } from '../../scope.ts';
import { mintToken, scopes, withSecret } from '../api-tokens/shape.ts';

export const createTokenByOperator = operatorRoute(
  {
    method: 'post',
    path: '/tenants/{id}/api-tokens',
    tag: 'Deployment',
    summary: 'Create an API token for a Tenant',
    params: idPath,
    body: z.strictObject({ name: name.default('operator'), scopes }),
    answer: withSecret,
    status: 201,
  },
  async (ask) => {
    const { ports, body } = ask;
    const held = await deploymentOf(ports.database).find(tenants, ask.params.id);
    if (!held) return absent('Tenant', ask.params.id);
    const { shown, secret, statement } = await mintToken(ask, held.id, { ...body, expiresAt: null });
    return new Change({ ...ask, scope: scopeOf(ports.database, held.id) })
      .write(statement)
      .audit('create', 'apiToken', shown.id, { after: shown })
      .commit({ body: { ...shown, token: secret } });
  },
);
