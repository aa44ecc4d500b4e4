/**
 * A Worker with nothing but the edge relay, for its contract test: the real doors and the real object, with
 * the Tenant's keys from a binding, small limits, and paths by which the test gives orders.
 */
import { createLocalJWKSet } from 'jose';
import { SallyportError } from '#schema/errors.ts';
import { type EdgeRelay, relayFetch } from '#workers/relay/door.ts';
import { RelayObject } from '#workers/relay/durable-object.ts';

type State = ConstructorParameters<typeof RelayObject>[0] & {
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void>;
};
type Stub = Pick<Relay, 'revoke' | 'drain' | 'hold'>;

interface Bindings {
  RELAY: EdgeRelay['objects'];
  URL: string;
  ISSUER: string;
  /** JSON. */
  JWKS: string;
  LIMITS: { handshakeMs: number; sessionsPerConnector: number };
}

export class Relay extends RelayObject {
  readonly #state: State;

  constructor(state: State, bindings: Bindings) {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    super(state, bindings, { clock: () => Date.now(), random, limits: bindings.LIMITS });
    this.#state = state;
  }

  /** Comes to nothing more, as while it waits for its storage, until `release`. */
  hold(): void {
    held = true;
    void this.#state.blockConcurrencyWhile(async () => {
      while (held) await new Promise((resolve) => setTimeout(resolve, 20));
    });
  }
}

let held = false;

export interface Names {
  jkts: string[];
  connectors: string[];
}

/** What the test may tell an object, or the process it is in. */
const orders = {
  revoke: (relay: Stub, names: Names) => relay.revoke(names),
  drain: (relay: Stub) => relay.drain(500, 60_000),
  hold: (relay: Stub) => relay.hold(),
  // The object itself would not come to it.
  release: () => {
    held = false;
  },
  collect: () => (globalThis as unknown as { gc(): void }).gc(),
};

export type Order = keyof typeof orders;

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
      path: Order;
      connectors: string[];
      names: Names;
    };
    const answers = await Promise.all(
      connectors.map(async (hash) => (await orders[path](RELAY.getByName(hash) as Stub, names)) ?? null),
    );
    return Response.json(answers);
  },
};
