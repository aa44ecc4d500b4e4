/**
 * The way back to a better relay: a Client that met its Connector at a lesser one, because those before it did
 * not answer, tries these again from time to time, and soon when the Connector is to be met elsewhere than
 * before. The path that comes about takes new flows; the old one is left by its own. Used by `connector-link.ts`.
 */
import type { Backoff } from '#node-agents/process/backoff.ts';
import type { RelayEntry } from '#schema/control/messages.ts';
import type { Path } from './path.ts';

export interface RelayReturnOptions {
  /** Where the Connector waits, in order of preference. */
  relays(): readonly RelayEntry[];
  /** The one that the present path leads through, if there is one. */
  present(): RelayEntry | undefined;
  /** A path through one of these. */
  make(relays: readonly RelayEntry[]): Promise<Path>;
  take(path: Path): void;
  backoff: Backoff;
}

export class RelayReturn {
  readonly #o: RelayReturnOptions;
  #timer: NodeJS.Timeout | undefined;
  #trying = false;
  #ended = false;

  constructor(options: RelayReturnOptions) {
    this.#o = options;
  }

  /** There is another path, or other relays. @param soon what was tried in vain may answer now. */
  look(soon = false): void {
    if (soon) this.#o.backoff.reset();
    if (this.#trying) return;
    clearTimeout(this.#timer);
    if (this.#ended || this.#better().length === 0) return;
    this.#timer = setTimeout(() => void this.#try(), this.#o.backoff.next()).unref();
  }

  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #try(): Promise<void> {
    const better = this.#better();
    if (better.length > 0) {
      this.#trying = true;
      const path = await this.#o.make(better).catch(() => undefined);
      this.#trying = false;
      if (path) this.#o.take(path);
    }
    this.look();
  }

  #better(): readonly RelayEntry[] {
    const present = this.#o.present();
    const relays = this.#o.relays();
    const at = relays.findIndex(({ id }) => id === present?.id);
    return relays.slice(0, Math.max(at, 0));
  }
}
