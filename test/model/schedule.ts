/**
 * The simulation's time: a queue of things to come on a virtual clock, with delays drawn from the run's seed.
 */
import type { SeededRandom } from '../fuzz/random.ts';

export class Schedule {
  now = 1_800_000_000_000;
  readonly #random: SeededRandom;
  #coming: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  after(ms: number, run: () => void): void {
    this.#coming.push({ at: this.now + ms, order: this.#order++, run });
  }

  /** A one-way line with a delay of its own that keeps the order of what is sent through it. */
  line<T>(deliver: (item: T) => void): (item: T) => void {
    let last = 0;
    return (item) => {
      last = Math.max(last, this.now + 1 + this.#random.int(40));
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
