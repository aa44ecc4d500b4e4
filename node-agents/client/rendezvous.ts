/**
 * In which order one instance tries the Connectors of a Remote Network (`schema/path/spread.ts`): the hash of
 * instance and Connector stands for chance.
 */
import { createHash } from 'node:crypto';
import { inOrder, type Weighted } from '#schema/path/spread.ts';

/** @param instance `ins_…` of this Client. @returns first choice first. */
export function rendezvousOrder<T extends Weighted>(instance: string, connectors: readonly T[]): T[] {
  return inOrder(connectors, (hash) => fractionOf(`${instance} ${hash}`));
}

/** 48 bits of it, and never 0 or 1. */
const fractionOf = (text: string): number =>
  (createHash('sha256').update(text).digest().readUIntBE(0, 6) + 0.5) / 2 ** 48;
