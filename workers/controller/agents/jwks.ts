/**
 * GET /.well-known/jwks.json: the public keys (RFC 7517 §5) by which agents and relays verify what a Tenant,
 * or on the deployment's own URL the deployment, has signed.
 */
import { paths } from '#schema/control/login.ts';
import { algorithm } from '#schema/token/kinds.ts';
import type { Controller } from '../context.ts';
import { keyRingOf } from './signing-keys.ts';

/** Seconds for which a verifier may keep the set: well below the time that a key is published unused. */
const maxAge = 60;

export function mountJwks(app: Controller): void {
  app.get(paths.jwks, async (c) => {
    const { published } = await keyRingOf(c.get('ports'), c.get('tenant')?.id ?? 'deployment');
    const keys = published.map(({ kid, publicJwk: { kty, crv, x, y } }) => ({
      ...{ kty, crv, x, y, kid },
      alg: algorithm,
      use: 'sig',
    }));
    return c.json({ keys }, 200, { 'Cache-Control': `public, max-age=${maxAge}` });
  });
}
