/**
 * In which order one instance tries the Connectors of a Remote Network: by rendezvous (highest random
 * weight) hashing of instance and Connector. Each instance has an order of its own, so load spreads without
 * anybody counting, and one Connector more or less moves only the flows that were or will be its own.
 */
import { createHash } from 'node:crypto';

/** @param instance `ins_…` of this Client. @returns the hashes, first choice first. */
export function rendezvousOrder<T extends { hash: string }>(instance: string, connectors: readonly T[]): T[] {
  const weight = (hash: string) => createHash('sha256').update(`${instance} ${hash}`).digest('hex');
  return connectors
    .map((connector) => ({ connector, weight: weight(connector.hash) }))
    .sort((a, b) => (a.weight < b.weight ? 1 : -1))
    .map(({ connector }) => connector);
}
