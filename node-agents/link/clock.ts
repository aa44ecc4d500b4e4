/**
 * The Controller's clock as an agent knows it: its own, corrected by what the Controller's answers say. All
 * that is signed or checked against a token's times reads this one, so that a wrong clock is no fault.
 */

/** Differences up to this are latency, not skew: following them would only make the clock jump about. */
const insignificantMs = 2_000;

export class ControllerClock {
  readonly #real: () => number;
  #offsetMs = 0;

  /** @param real milliseconds since the epoch by this machine's clock. */
  constructor(real: () => number) {
    this.#real = real;
  }

  now(): number {
    return this.#real() + this.#offsetMs;
  }

  /** @param controllerNowMs what the Controller has just told. */
  learn(controllerNowMs: number): void {
    const offset = controllerNowMs - this.#real();
    if (Math.abs(offset - this.#offsetMs) > insignificantMs) this.#offsetMs = offset;
  }

  /** What has to be added to this machine's clock. */
  get offsetMs(): number {
    return this.#offsetMs;
  }
}
