/**
 * Which questions systemd-resolved has to hand to our link, as its "routing-only domains" say it (resolvectl(1),
 * `~name`): the names of Resources and everything below them, and the reverse names of addresses. Wider than
 * the ACL where it must be: what is none of ours goes on to the host's other resolvers from here.
 */
import { type Ip, type Prefix, parsePrefix } from '#schema/name/ip.ts';
import { syntheticV4, syntheticV6 } from '#schema/name/reserved.ts';
import { reverseName } from '#schema/name/reverse.ts';

/** Every question. */
export const allDomains = '~.';
/** More than this many in one link are not taken (systemd: LINK_SEARCH_DOMAINS_MAX is 1024). */
const most = 1_000;

/** @param patterns addresses and aliases of Resources, canonical: names, wildcards, IP addresses, CIDRs. */
export function routingDomains(patterns: Iterable<string>): string[] {
  const zones = new Set<string>(
    [syntheticV4, syntheticV6].flatMap((range) => reverseZones(parsePrefix(range)!)),
  );
  for (const pattern of patterns) {
    const prefix = prefixOf(pattern);
    for (const zone of prefix ? reverseZones(prefix) : [fixedPart(pattern)]) zones.add(zone);
  }
  if (zones.has('')) return [allDomains];
  const widest = [...zones].filter((zone) => !parentsOf(zone).some((parent) => zones.has(parent))).sort();
  return widest.length > most ? [allDomains] : widest.map((zone) => `~${zone}`);
}

/** Of a wildcard the labels behind its last wildcard; of a name all. */
function fixedPart(pattern: string): string {
  const labels = pattern.split('.');
  const last = labels.findLastIndex((label) => /[*?]/.test(label));
  return labels.slice(last + 1).join('.');
}

/**
 * The zones whose names are the reverse names of a prefix: one where it ends between two labels, else those
 * into which the next label divides it.
 */
export function reverseZones({ ip, length }: Prefix): string[] {
  const bits = ip.family === 4 ? 8 : 4;
  const labels = Math.ceil(length / bits);
  const whole = reverseName(ip).split('.');
  const unused = whole.length - 2 - labels;
  const spare = labels * bits - length;
  return Array.from({ length: 2 ** spare }, (_, i) => {
    const zone = whole.slice(unused);
    if (labels > 0) zone[0] = labelOf(ip, labels, bits, spare, i);
    return zone.join('.');
  });
}

/** Label number `labels` from the left of the address, its last `spare` bits being `i`. */
function labelOf(ip: Ip, labels: number, bits: number, spare: number, i: number): string {
  const at = (labels - 1) * bits;
  const value = bits === 8 ? ip.bytes[at >> 3]! : (ip.bytes[at >> 3]! >> (at & 4 ? 0 : 4)) & 0x0f;
  return (((value >> spare) << spare) | i).toString(bits === 8 ? 10 : 16);
}

function prefixOf(pattern: string): Prefix | undefined {
  if (pattern.includes('/')) return parsePrefix(pattern);
  return parsePrefix(`${pattern}/${pattern.includes(':') ? 128 : 32}`);
}

const parentsOf = (zone: string): string[] =>
  [...zone.matchAll(/\./g)].map(({ index }) => zone.slice(index + 1));
