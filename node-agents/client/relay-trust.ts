/**
 * Which relays to ask last: those that carry a tunnel in doubt, unless another tunnel through them has been
 * heard since, which shows that the silence is the Connector's. `connector-link.ts` makes its paths in this order.
 */
import type { RelayEntry } from '#schema/control/messages.ts';
import type { Path } from './path.ts';

/** So long after a doubt without a sign of life. */
const suspectMs = 30_000;

export class RelayTrust {
  readonly #paths: () => readonly Path[];
  readonly #now: () => number;
  /** Relay → when a tunnel through it was last doubted. */
  readonly #doubts = new Map<string, number>();

  /** @param paths all that live. @param now monotonic milliseconds. */
  constructor(paths: () => readonly Path[], now: () => number) {
    this.#paths = paths;
    this.#now = now;
  }

  doubt(relay: string): void {
    this.#doubts.set(relay, this.#now());
  }

  /** The same relays, the suspects last. */
  order(relays: readonly RelayEntry[]): RelayEntry[] {
    const oldest = this.#now() - suspectMs;
    for (const [id, at] of this.#doubts) if (at < oldest) this.#doubts.delete(id);
    if (this.#doubts.size === 0) return [...relays];
    const suspects = new Set(relays.filter(({ id }) => this.#isSuspect(id)));
    return [...relays.filter((relay) => !suspects.has(relay)), ...suspects];
  }

  #isSuspect(id: string): boolean {
    const at = this.#doubts.get(id);
    if (at === undefined) return false;
    return !this.#paths().some(({ relay, tunnel }) => relay?.id === id && tunnel.heardAt > at);
  }
}
