/** POST /setup-codes, by the deployment's operator: a one-time right to create a Tenant (`use-code.ts`). */
import { z } from '@hono/zod-openapi';
import { answer, operatorRoute } from '../../admin-route.ts';
import { deploymentOf } from '../../deployment.ts';
import { instant, iso } from '../../fields.ts';
import { mintSecret } from '../../secret.ts';

/** Milliseconds. */
const life = 3_600_000;

export const createSetupCode = operatorRoute(
  {
    method: 'post',
    path: '/setup-codes',
    tag: 'Deployment',
    summary: 'Create a one-time setup code',
    answer: z
      .object({
        code: z.string().openapi({ description: 'Shown once.' }),
        expires_at: instant,
      })
      .openapi('SetupCode'),
    status: 201,
  },
  async ({ ports, now, requestId, address }) => {
    const { secret, hash } = await mintSecret(ports, 'spu');
    await deploymentOf(ports.database).insertSetupCode({ hash, createdAt: now, expiresAt: now + life });
    // There is no Tenant yet whose audit log it could stand in.
    ports.log('info', 'setup_code_created', { request_id: requestId, address });
    return answer({ code: secret, expires_at: iso(now + life) }, 201);
  },
);
