/**
 * Time and chance of the simulation: a queue of things to come on a virtual clock, and a generator that
 * gives the same run for the same seed.
 */

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** mulberry32: in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }
}

export class Schedule {
  now = 1_800_000_000_000;
  readonly #chance: Chance;
  #coming: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  after(ms: number, run: () => void): void {
    this.#coming.push({ at: this.now + ms, order: this.#order++, run });
  }

  /** A one-way line with a delay of its own that keeps the order of what is sent through it. */
  line<T>(deliver: (item: T) => void): (item: T) => void {
    let last = 0;
    return (item) => {
      last = Math.max(last, this.now + 1 + this.#chance.below(40));
      this.after(last - this.now, () => deliver(item));
    };
  }

  /** Runs everything due until nothing is left, or until `ms` have passed. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      let first = -1;
      for (let i = 0; i < this.#coming.length; i++) if (first < 0 || this.#isBefore(i, first)) first = i;
      const next = this.#coming[first];
      if (!next || next.at > end) break;
      this.#coming.splice(first, 1);
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#coming[i]!, this.#coming[j]!];
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }
}
