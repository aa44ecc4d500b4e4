/**
 * POST /signing-keys/rotate: the next key, which verifiers know already, signs from now on; the present one
 * verifies what it signed for as long as that lives.
 */
import { z } from '@hono/zod-openapi';
import { adminRoute } from '../admin-route.ts';
import { Change } from '../change.ts';
import { showKey, signingKey } from './list-signing-keys.ts';
import { forgetKeyRing, keyRingOf, rotation } from './signing-keys.ts';

export const rotateSigningKeys = adminRoute(
  {
    method: 'post',
    path: '/signing-keys/rotate',
    tag: 'Tenant',
    summary: 'Rotate the signing keys',
    needs: 'tenant:write',
    answer: z.object({ items: z.array(signingKey) }),
    status: 200,
  },
  async (ask) => {
    const { ports, tenant } = ask;
    const { published } = await keyRingOf(ports, tenant.id, { fresh: true });
    const { statements, after } = await rotation(ports, tenant.id, published);
    const shown = { items: after.map(showKey) };
    const made = await new Change(ask)
      .write(...statements)
      .audit('rotate_signing_keys', 'tenant', tenant.id, { after: shown })
      .commit({ body: shown });
    forgetKeyRing(tenant.id);
    return made;
  },
);
