/**
 * How busy a Connector is, in classes so coarse and so slow to change that telling of them costs nothing: of
 * its weight (`spread.ts`) a busier one asks for a part. `node-agents/connector/load.ts` samples; the Controller
 * hands the weight on to Clients.
 */
import { maxWeight } from './spread.ts';

export interface LoadClass {
  name: 'free' | 'busy' | 'full';
  /** Part of the weight that is left. */
  part: number;
  /** Entered from below at this utilisation, left to below when it falls under the other. */
  enterAt: number;
  leaveAt: number;
}

export const loadClasses: readonly LoadClass[] = [
  { name: 'free', part: 1, enterAt: 0, leaveAt: 0 },
  { name: 'busy', part: 0.5, enterAt: 0.7, leaveAt: 0.5 },
  { name: 'full', part: 0.2, enterAt: 0.9, leaveAt: 0.75 },
];

/** A step up is told of after so long above, one down after longer below: what rises may be a moment's. */
export const riseMs = 10_000;
export const fallMs = 60_000;

export class Load {
  #at = 0;
  #aboveSince: number | undefined;
  #belowSince: number | undefined;

  get class(): LoadClass {
    return loadClasses[this.#at]!;
  }

  /**
   * @param utilisation 0 to 1, of whatever is scarcest. To be called every few seconds.
   * @returns whether the class has changed, which it does by one step.
   */
  sample(utilisation: number, nowMs: number): boolean {
    const next = loadClasses[this.#at + 1];
    const above = next !== undefined && utilisation >= next.enterAt;
    this.#aboveSince = above ? (this.#aboveSince ?? nowMs) : undefined;
    this.#belowSince = utilisation < this.class.leaveAt ? (this.#belowSince ?? nowMs) : undefined;
    if (this.#aboveSince !== undefined && nowMs - this.#aboveSince >= riseMs) this.#at++;
    else if (this.#belowSince !== undefined && nowMs - this.#belowSince >= fallMs) this.#at--;
    else return false;
    this.#aboveSince = undefined;
    this.#belowSince = undefined;
    return true;
  }
}

/** What Clients are told. @param weight set by whoever runs the Connector. */
export function effectiveWeight(weight: number, { part }: LoadClass): number {
  if (weight <= 0) return 0;
  return Math.min(maxWeight, Math.max(1, Math.round(weight * part)));
}
