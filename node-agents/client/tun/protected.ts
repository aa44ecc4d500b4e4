/**
 * The prefixes whose packets the device takes in: the addresses and networks of the Resources as the ACL has
 * them at this moment, and always the ranges out of which protected names are answered. `transparent.ts` has
 * routes made of them; packets to all else never come near the Client.
 */
import { formatPrefix, type Prefix } from '#schema/name/ip.ts';
import { syntheticV4, syntheticV6 } from '#schema/name/reserved.ts';
import { prefixOf } from '#schema/resource/address.ts';

/** Most addresses that get a route of their own; beyond it the host's routing tables would suffer. */
export const prefixLimit = 16_384;

/**
 * @param patterns addresses and aliases of Resources.
 * @returns sorted, without doubles. `left`: how many had no place. A default route (`0.0.0.0/0`, `::/0`) is written as
 * its two halves, so that it wins over the host's own without replacing it.
 */
export function protectedPrefixes(patterns: Iterable<string>): { prefixes: string[]; left: number } {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const prefix = prefixOf(pattern);
    if (prefix === undefined) continue;
    for (const one of halves(prefix)) found.add(formatPrefix(one));
  }
  const all = [...found].sort();
  return {
    prefixes: [syntheticV4, syntheticV6, ...all.slice(0, prefixLimit)],
    left: Math.max(0, all.length - prefixLimit),
  };
}

/** What of two lists has to be done to get from one to the other. */
export function difference(
  before: readonly string[],
  after: readonly string[],
): { add: string[]; remove: string[] } {
  const had = new Set(before);
  const has = new Set(after);
  return {
    add: after.filter((prefix) => !had.has(prefix)),
    remove: before.filter((prefix) => !has.has(prefix)),
  };
}

function halves(prefix: Prefix): Prefix[] {
  if (prefix.length > 0) return [prefix];
  const bytes = new Uint8Array(prefix.ip.bytes.length);
  const upper = bytes.slice();
  upper[0] = 0x80;
  const { family } = prefix.ip;
  return [
    { ip: { family, bytes }, length: 1 },
    { ip: { family, bytes: upper }, length: 1 },
  ];
}
