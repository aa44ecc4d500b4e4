/**
 * Connection tokens at hand: those that came with the login, each good for one tunnel and less than a minute,
 * and fresh ones from the Controller, asked for together where several links want one at the same time.
 */
import { SallyportError } from '#schema/errors.ts';

/** Of a token's life, what meeting and handshake may still need. */
const marginMs = 15_000;
const perRequest = 32;

export class ConnectionTokens {
  readonly #fetch: (hashes: string[]) => Promise<Record<string, string>>;
  readonly #now: () => number;
  readonly #held = new Map<string, string>();
  #heldUntilMs = 0;
  #wanted = new Map<string, PromiseWithResolvers<string>>();

  /** @param now monotonic milliseconds. */
  constructor(fetch: (hashes: string[]) => Promise<Record<string, string>>, now: () => number) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** What a login answered. @param lifeMs of each. */
  offer(tokens: Record<string, string>, lifeMs: number): void {
    this.#held.clear();
    for (const [hash, token] of Object.entries(tokens)) this.#held.set(hash, token);
    this.#heldUntilMs = this.#now() + lifeMs - marginMs;
  }

  /** Uses one up. @throws SallyportError connector_offline when this Client may not meet the Connector now. */
  take(hash: string): Promise<string> {
    const held = this.#held.get(hash);
    this.#held.delete(hash);
    if (held !== undefined && this.#now() < this.#heldUntilMs) return Promise.resolve(held);
    if (this.#wanted.size === 0) setImmediate(() => void this.#ask());
    const wanted = this.#wanted.get(hash) ?? Promise.withResolvers<string>();
    this.#wanted.set(hash, wanted);
    return wanted.promise;
  }

  async #ask(): Promise<void> {
    const all = [...this.#wanted];
    this.#wanted = new Map();
    for (let i = 0; i < all.length; i += perRequest) await this.#askFor(all.slice(i, i + perRequest));
  }

  async #askFor(wanted: [string, PromiseWithResolvers<string>][]): Promise<void> {
    try {
      const tokens = await this.#fetch(wanted.map(([hash]) => hash));
      for (const [hash, { resolve, reject }] of wanted) {
        const token = tokens[hash];
        if (token !== undefined) resolve(token);
        else
          reject(new SallyportError('connector_offline', 'the Controller gives no token for this Connector'));
      }
    } catch (error) {
      for (const [, { reject }] of wanted) reject(error);
    }
  }
}
