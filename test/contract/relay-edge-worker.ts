/**
 * A Worker with nothing but the edge relay, for its contract test: the real doors and the real object, with
 * the Tenant's keys from a binding, small limits, and two paths by which the test gives orders.
 */
import { createLocalJWKSet } from 'jose';
import { SallyportError } from '#schema/errors.ts';
import { type EdgeRelay, relayFetch } from '#workers/relay/door.ts';
import { RelayObject } from '#workers/relay/durable-object.ts';

type State = ConstructorParameters<typeof RelayObject>[0];

interface Bindings {
  RELAY: EdgeRelay['objects'];
  URL: string;
  ISSUER: string;
  /** JSON. */
  JWKS: string;
  LIMITS: { handshakeMs: number; sessionsPerConnector: number };
}

export class Relay extends RelayObject {
  constructor(state: State, bindings: Bindings) {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    super(state, bindings, { clock: () => Date.now(), random, limits: bindings.LIMITS });
  }
}

export default {
  async fetch(request: Request, { RELAY, URL: url, ISSUER, JWKS }: Bindings): Promise<unknown> {
    const answer = await relayFetch(request as never, {
      url,
      objects: RELAY,
      clock: () => Date.now(),
      log: (level, event, fields) => {
        if (level === 'error') console.error(JSON.stringify({ event, ...fields }));
      },
      issuers: {
        allowed: (issuer) => issuer.startsWith(new URL('/t/', ISSUER).href),
        async keysOf(issuer) {
          if (issuer === ISSUER) return createLocalJWKSet(JSON.parse(JWKS));
          throw new SallyportError('token_invalid');
        },
      },
    });
    if (answer !== null) return answer;
    const { path, connectors, names } = (await request.json()) as {
      path: 'revoke' | 'drain';
      connectors: string[];
      names: { jkts: string[]; connectors: string[] };
    };
    const answers = await Promise.all(
      connectors.map((hash) => {
        const object = RELAY.getByName(hash);
        return path === 'revoke' ? object.revoke(names) : object.drain(500, 60_000);
      }),
    );
    return Response.json(answers);
  },
};
