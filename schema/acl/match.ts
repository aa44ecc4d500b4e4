/**
 * Which Resource a destination falls under, and whether its ports allow it. The Client asks to decide what
 * goes into a tunnel, the Connector asks again through `intersect.ts`. The most specific Resource decides:
 * literal name before wildcard, more literal characters before fewer, longer prefix before shorter. Among
 * equals the first that allows the port wins. A name never falls under an address, nor an address under a
 * name: `*` is about names.
 */
import type { Refusal } from '#schema/errors.ts';
import { canonicalHost } from '#schema/name/host.ts';
import { contains, type Ip, type Prefix, parseIp, parsePrefix } from '#schema/name/ip.ts';
import { isWildcard, matches, PatternTree } from '#schema/name/pattern-tree.ts';
import { PrefixTree } from '#schema/name/prefix-tree.ts';
import type { AclResource, Destination } from './document.ts';

/** The Resource that decided, and which of its patterns did: its address or its alias. */
export interface Match<T extends AclResource = AclResource> {
  resource: T;
  rule: string;
}

export type MatchVerdict<T extends AclResource = AclResource> =
  | ({ ok: true } & Match<T>)
  | (Refusal<'port_denied'> & Match<T>)
  | Refusal<'not_a_resource'>;

export interface Matcher<T extends AclResource = AclResource> {
  find(destination: Destination): MatchVerdict<T>;
  /** How many nodes all look-ups so far have visited. */
  readonly visits: number;
}

interface Row<T extends AclResource> extends Match<T> {
  order: number;
  literalCharacters: number;
}

/** @param resources in the order that settles ties. What is no valid address matches nothing. */
export function compile<T extends AclResource>(resources: Iterable<T>): Matcher<T> {
  const names = new PatternTree<Row<T>>();
  const addresses = { 4: new PrefixTree<Row<T>>(), 6: new PrefixTree<Row<T>>() };
  let order = 0;
  for (const resource of resources) {
    for (const rule of patternsOf(resource)) {
      const row = { resource, rule, order: order++, literalCharacters: rule.replace(/[*?]/g, '').length };
      const prefix = prefixOf(rule);
      if (prefix) addresses[prefix.ip.family].add(prefix, row);
      else if (!rule.includes('/')) names.add(rule, row);
    }
  }
  const candidates = (host: string, ip: Ip | undefined): readonly Row<T>[] => {
    if (ip) return addresses[ip.family].longest(ip);
    const literal = names.literal(host);
    return literal.length > 0 ? literal : mostLiteral(names.wildcards(host));
  };
  return {
    find(destination) {
      const host = canonicalHost(destination.host);
      if (host === undefined) return { ok: false, code: 'not_a_resource' };
      return decide(candidates(host, parseIp(host)), destination);
    },
    get visits() {
      return names.visits + addresses[4].visits + addresses[6].visits;
    },
  };
}

/** Whether this one Resource is about the destination and allows its port. */
export function judgeOne<T extends AclResource>(resource: T, destination: Destination): MatchVerdict<T> {
  const host = canonicalHost(destination.host);
  const rule = host === undefined ? undefined : patternsOf(resource).find((pattern) => covers(pattern, host));
  if (rule === undefined) return { ok: false, code: 'not_a_resource' };
  return decide([{ resource, rule }], destination);
}

export function allowsPort(resource: AclResource, { protocol, port }: Destination): boolean {
  if (protocol === 'icmp') return resource.icmp;
  if (protocol === 'dns') return true;
  const ports = resource[protocol];
  if (ports === 'none' || port === undefined || port < 1 || port > 65535) return false;
  return ports === 'all' || ports.some(({ from, to }) => from <= port && port <= to);
}

function decide<T extends AclResource>(rows: readonly Match<T>[], destination: Destination): MatchVerdict<T> {
  const first = rows[0];
  if (!first) return { ok: false, code: 'not_a_resource' };
  const open = rows.find(({ resource }) => allowsPort(resource, destination));
  if (open) return { ok: true, resource: open.resource, rule: open.rule };
  return { ok: false, code: 'port_denied', resource: first.resource, rule: first.rule };
}

function mostLiteral<T extends AclResource>(rows: Set<Row<T>>): Row<T>[] {
  let best: Row<T>[] = [];
  for (const row of rows) {
    const ahead = row.literalCharacters - (best[0]?.literalCharacters ?? -1);
    if (ahead > 0) best = [row];
    else if (ahead === 0) best.push(row);
  }
  return best.sort((a, b) => a.order - b.order);
}

/** @param host canonical. */
function covers(pattern: string, host: string): boolean {
  const ip = parseIp(host);
  const prefix = prefixOf(pattern);
  if (ip || prefix) return ip !== undefined && prefix !== undefined && contains(prefix, ip);
  return isWildcard(pattern) ? matches(pattern, host) : pattern === host;
}

const patternsOf = ({ address, alias }: AclResource): string[] =>
  alias === undefined ? [address] : [address, alias];

function prefixOf(pattern: string): Prefix | undefined {
  const ip = parseIp(pattern);
  return ip ? { ip, length: 8 * ip.bytes.length } : parsePrefix(pattern);
}
