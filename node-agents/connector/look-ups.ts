/**
 * How many names are looked up at the same time, and whose turn it is. A look-up that the system has begun
 * cannot be called back: it holds its place until it ends by itself, and so must not hold everybody's.
 * Principals take turns, and none takes all places: random names below a wildcard Resource delay their own
 * principal. `resolve.ts` asks.
 */
export interface Places {
  /** Look-ups under way; of these, for one principal. */
  places: number;
  perPrincipal: number;
  /** Look-ups that wait; of these, for one principal. */
  waiting: number;
  waitingPerPrincipal: number;
}

interface Job {
  start(): Promise<unknown>;
}

export class LookUps {
  readonly #most: Places;
  readonly #running = new Map<string, number>();
  /** By principal, the one whose turn is next first. */
  readonly #waiting = new Map<string, Set<Job>>();
  #runningInAll = 0;
  #waitingInAll = 0;

  constructor(most: Places) {
    this.#most = most;
  }

  /**
   * @param ask never rejects. @param withinMs for it to begin.
   * @returns undefined when too much waits; what `ask` gives, or 'late' when it has not begun in time.
   */
  run<T>(principal: string, ask: () => Promise<T>, withinMs: number): Promise<T | 'late'> | undefined {
    const mine = this.#waiting.get(principal) ?? new Set();
    const { waiting, waitingPerPrincipal } = this.#most;
    if (this.#waitingInAll >= waiting || mine.size >= waitingPerPrincipal) return undefined;
    return new Promise((done) => {
      const late = setTimeout(() => {
        this.#leave(principal, job);
        done('late');
      }, withinMs);
      const job: Job = {
        start() {
          clearTimeout(late);
          const answer = ask();
          void answer.then(done);
          return answer;
        },
      };
      mine.add(job);
      this.#waiting.set(principal, mine);
      this.#waitingInAll++;
      this.#startNext();
    });
  }

  #startNext(): void {
    const { places, perPrincipal } = this.#most;
    for (const [principal, jobs] of this.#waiting) {
      if (this.#runningInAll >= places) return;
      const running = this.#running.get(principal) ?? 0;
      if (running >= perPrincipal) continue;
      const [job] = jobs;
      this.#leave(principal, job!);
      // Behind the others.
      if (this.#waiting.delete(principal)) this.#waiting.set(principal, jobs);
      this.#runningInAll++;
      this.#running.set(principal, running + 1);
      void job!.start().finally(() => this.#ended(principal));
    }
  }

  #ended(principal: string): void {
    this.#runningInAll--;
    const left = this.#running.get(principal)! - 1;
    if (left > 0) this.#running.set(principal, left);
    else this.#running.delete(principal);
    this.#startNext();
  }

  #leave(principal: string, job: Job): void {
    const jobs = this.#waiting.get(principal);
    if (!jobs?.delete(job)) return;
    this.#waitingInAll--;
    if (jobs.size === 0) this.#waiting.delete(principal);
  }
}
