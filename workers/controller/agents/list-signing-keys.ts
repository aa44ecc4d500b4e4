/** GET /signing-keys: the keys that sign for this Tenant, as verifiers see them. */
import { z } from '@hono/zod-openapi';
import { publicJwk } from '#schema/control/login.ts';
import { adminRoute, answer } from '../admin-route.ts';
import { described, instant, iso, isoOrNull } from '../fields.ts';
import { keyRingOf, type PublishedKey } from './signing-keys.ts';

export const signingKey = z
  .object({
    kid: z.string(),
    state: z.enum(['next', 'active', 'retired']).openapi({
      description:
        '`next` is published but signs nothing yet; `retired` still verifies what it signed, for an hour.',
    }),
    public_key: described(publicJwk),
    created_at: instant,
    retired_at: instant.nullable(),
  })
  .openapi('SigningKey');

export const showKey = ({ kid, state, publicJwk, createdAt, retiredAt }: PublishedKey) => ({
  ...{ kid, state, public_key: publicJwk },
  created_at: iso(createdAt),
  retired_at: isoOrNull(retiredAt),
});

export const listSigningKeys = adminRoute(
  {
    method: 'get',
    path: '/signing-keys',
    tag: 'Tenant',
    summary: 'List the signing keys',
    needs: 'tenant:read',
    answer: z.object({ items: z.array(signingKey) }),
  },
  async ({ ports, tenant }) => {
    const { published } = await keyRingOf(ports, tenant.id, { fresh: true });
    return answer({ items: published.map(showKey) });
  },
);
