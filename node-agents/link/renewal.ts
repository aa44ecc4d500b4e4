/**
 * Asks in time for what has an end: a Client's ACLs, a Connector's ACL and its registration. The first
 * question comes when two thirds of the life are over, a little later for each agent so that those which
 * started together do not ask together; without an answer it is repeated, the sooner the nearer the end.
 */
import { fraction, type Random } from '../process/random.ts';

/** Milliseconds since the epoch, by the Controller's clock. */
export interface Life {
  renewAtMs: number;
  endsMs: number;
}

export interface RenewalOptions {
  /** Of what is held now; undefined while there is nothing. */
  life(): Life | undefined;
  ask(): void;
  /** The Controller's clock. */
  now(): number;
  random: Random;
}

const longestSpreadMs = 6_000;
const soonestAgainMs = 1_000;
const latestAgainMs = 30_000;
/** Timers stand still while a machine sleeps, lives do not: the clock is looked at this often. */
const lookEveryMs = 30_000;

export class Renewal {
  readonly #o: RenewalOptions;
  #timer: NodeJS.Timeout | undefined;
  #life: Life | undefined;
  #askAtMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(options: RenewalOptions) {
    this.#o = options;
  }

  /** Something else is held now, or time has passed. */
  look(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const life = this.#o.life();
    if (life === undefined || life.renewAtMs === Number.POSITIVE_INFINITY) return;
    if (life.renewAtMs !== this.#life?.renewAtMs) this.#askAtMs = this.#firstAt(life);
    this.#life = life;
    const now = this.#o.now();
    if (now >= this.#askAtMs) {
      this.#askAtMs = now + againAfter(life.endsMs - now);
      this.#o.ask();
    }
    const waitMs = Math.min(this.#askAtMs - now, lookEveryMs);
    this.#timer = setTimeout(() => this.look(), waitMs).unref();
  }

  /** The Controller is there again: what is due is asked for at once. */
  resume(): void {
    if (this.#life && this.#o.now() >= this.#life.renewAtMs) this.#askAtMs = Number.NEGATIVE_INFINITY;
    this.look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #firstAt({ renewAtMs, endsMs }: Life): number {
    const spreadMs = Math.min(longestSpreadMs, Math.max(0, endsMs - renewAtMs) / 4);
    return renewAtMs + fraction(this.#o.random) * spreadMs;
  }
}

const againAfter = (leftMs: number): number =>
  leftMs <= 0 ? latestAgainMs : Math.min(Math.max(leftMs / 4, soonestAgainMs), latestAgainMs);
