/** POST /relays, by the deployment's operator: a relay to be, and the one-time token with which it enrols. */
import { z } from '@hono/zod-openapi';
import { answer, operatorRoute } from '../../admin-route.ts';
import { mint, refusalOf } from '../../change.ts';
import { deploymentOf } from '../../deployment.ts';
import { instant, iso } from '../../fields.ts';
import { mintSecret } from '../../secret.ts';
import { enrolmentLifetime } from '../connectors/shape.ts';
import { relay, show, writable } from './shape.ts';

export const createRelay = operatorRoute(
  {
    method: 'post',
    path: '/relays',
    tag: 'Deployment',
    summary: 'Create a relay and its one-time enrolment token',
    body: z.strictObject(writable),
    answer: relay
      .extend({
        enrolment_token: z.string().openapi({ description: 'Works once; shown once.' }),
        enrolment_expires_at: instant,
      })
      .openapi('RelayWithEnrolment'),
    status: 201,
    refuses: ['name_taken'],
  },
  async (ask) => {
    const { ports, now, body } = ask;
    const { secret, hash } = await mintSecret(ports, 'spe');
    const row = {
      id: mint(ask, 'relay'),
      ...body,
      enrolmentHash: hash,
      enrolmentExpiresAt: now + enrolmentLifetime,
      publicJwk: null,
      jkt: null,
      createdAt: now,
      enrolledAt: null,
      connectedAt: null,
      disconnectedAt: null,
      revokedAt: null,
    };
    try {
      await deploymentOf(ports.database).insertRelay(row);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) return refusal;
      throw error;
    }
    ports.log('info', 'relay_created', { request_id: ask.requestId, relay: row.id, name: row.name });
    return answer({
      ...show(row),
      enrolment_token: secret,
      enrolment_expires_at: iso(row.enrolmentExpiresAt),
    });
  },
);
