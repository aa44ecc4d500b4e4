/**
 * In which order one instance tries the Connectors of a Remote Network (`schema/path/spread.ts`), and the relays
 * where it may meet them: the hash of instance and Connector or relay stands for chance, so that each has its share
 * of all instances, and one more takes over its share.
 */
import { createHash } from 'node:crypto';
import type { RelayEntry } from '#schema/control/messages.ts';
import { inOrder, type Weighted } from '#schema/path/spread.ts';

/** @param instance `ins_…` of this Client. @returns first choice first. */
export function rendezvousOrder<T extends Weighted>(instance: string, connectors: readonly T[]): T[] {
  return inOrder(connectors, (hash) => fractionOf(`${instance} ${hash}`));
}

/** The edge's own, where there is one, last: it is for when no other is there. */
export function relayOrder(instance: string, relays: readonly RelayEntry[]): RelayEntry[] {
  const own = relays.filter(({ edge }) => !edge).map((entry) => ({ hash: entry.id, entry }));
  return [...rendezvousOrder(instance, own).map(({ entry }) => entry), ...relays.filter(({ edge }) => edge)];
}

/** 48 bits of it, and never 0 or 1. */
const fractionOf = (text: string): number =>
  (createHash('sha256').update(text).digest().readUIntBE(0, 6) + 0.5) / 2 ** 48;
