/**
 * Which of the two ways to a Connector a new flow takes, by the round trips measured on both. The direct one
 * is preferred where they are alike, since it costs no relay; one that was chosen is kept through small
 * differences, so that flows do not alternate.
 */
export type Path = 'direct' | 'relay';

/** How much longer the direct way may take: to be chosen, and to stay so. */
const toTake = { factor: 1.1, ms: 5 };
const toKeep = { factor: 1.5, ms: 20 };

/**
 * Both ways are there.
 * @param directMs,relayMs round trips; NaN while unknown.
 */
export function choosePath(directMs: number, relayMs: number, present: Path): Path {
  if (Number.isNaN(directMs) || Number.isNaN(relayMs)) return 'direct';
  const { factor, ms } = present === 'direct' ? toKeep : toTake;
  return directMs <= relayMs * factor + ms ? 'direct' : 'relay';
}
