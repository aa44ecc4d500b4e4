/**
 * How load spreads over the Connectors of a Remote Network, without anybody counting. Between Clients: each
 * instance has an order of its own, by weighted rendezvous hashing, so that a Connector gets as many of them as
 * its weight says, and one that comes, goes or changes its weight moves no more of them than it must. Within
 * one Client: its first Connector has all flows as long as they are few, since what belongs together then
 * leaves from one address; beyond that the one that has the least for its weight (`pickLeast`).
 * The hash is drawn by `node-agents/client/rendezvous.ts`.
 */

/** Of a Connector that says nothing of it. */
export const usualWeight = 100;
/** 0 stands by: for when nobody else is there. */
export const maxWeight = 1_000;

export interface Weighted {
  hash: string;
  weight?: number | undefined;
}

/**
 * First choice first. With equal weights as by the fraction alone.
 * @param fractionOf of each: as if at random, in the open interval (0, 1), always the same.
 */
export function inOrder<T extends Weighted>(
  candidates: readonly T[],
  fractionOf: (hash: string) => number,
): T[] {
  return candidates
    .map((candidate) => ({ candidate, score: scoreOf(candidate.weight, fractionOf(candidate.hash)) }))
    .sort((a, b) => b.score - a.score)
    .map(({ candidate }) => candidate);
}

/**
 * The higher, the earlier. The chance to have the highest is the share in the sum of all weights
 * (−w / ln h: Schindelhauer and Schomaker 2005, the logarithmic method).
 */
export const scoreOf = (weight: number = usualWeight, fraction: number): number =>
  weight > 0 ? -weight / Math.log(fraction) : fraction - 1;

/** Live flows of one Client that its first Connector has to itself. */
export const fewFlows = 16;

export interface Standing {
  /** Live flows of this Client. */
  flows: number;
  weight?: number | undefined;
}

/** @param standing those that could take a flow now, in order. @returns which one does; undefined without any. */
export function pickLeast<T extends Standing>(standing: readonly T[]): T | undefined {
  const [first] = standing;
  if (first === undefined || first.flows < fewFlows) return first;
  return standing.reduce((least, one) => (loadOf(one) < loadOf(least) ? one : least));
}

/** With the flow in question. */
const loadOf = ({ flows, weight = usualWeight }: Standing): number =>
  weight > 0 ? (flows + 1) / weight : Number.POSITIVE_INFINITY;
