/**
 * What a packet's destination address means: the protected name that the address was made for, or the
 * address itself. Between the packets (`tcp.ts`, `datagrams.ts`) and `flow.ts`, which routes by it.
 */
import type { Destination } from '#schema/acl/document.ts';
import { formatIp, type Ip } from '#schema/name/ip.ts';
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { type SyntheticNames, slotOf } from '#schema/name/synthetic.ts';
import { prefixOf } from '#schema/resource/address.ts';

/** Undefined for a synthetic address that stands for no name: it is out of date, or made up. */
export function destinationOf(
  names: SyntheticNames,
  protocol: Destination['protocol'],
  address: Ip,
  port?: number,
): Destination | undefined {
  const host = slotOf(address) === undefined ? formatIp(address) : names.nameOf(address);
  if (host === undefined) return undefined;
  return port === undefined ? { protocol, host } : { protocol, host, port };
}

/** The names that an ACL spells out: they have their addresses before anybody asks. */
export function* literalNames(patterns: Iterable<string>): Generator<string> {
  for (const pattern of patterns) if (prefixOf(pattern) === undefined && !isWildcard(pattern)) yield pattern;
}
