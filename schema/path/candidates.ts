/**
 * Where one end of a direct path may be met: addresses of its own host, and the one that a relay saw it come
 * from. Client and Connector tell each other theirs through the Controller (`control/messages.ts`: offer and
 * answer), and each then tries the other's (`punch.ts`). What a peer tells is its own word: whoever dials it
 * must not be led to their own host, link or cloud, nor to a port where services live.
 */
import * as z from 'zod/mini';
import { parseIp } from '#schema/name/ip.ts';
import { reservedKind } from '#schema/name/reserved.ts';

export const candidateLimits = {
  /** In one offer or answer. */
  count: 8,
  /** Below it lie the services of a host, and no port that a host or a NAT picks for a connection. */
  lowestPort: 1024,
} as const;

export const candidate = z.object({
  /** `host`: of an interface; `reflexive`: as a relay saw it, so the outside of a NAT where there is one. */
  kind: z.enum(['host', 'reflexive']),
  address: z.string().check(z.maxLength(45)),
  port: z.int().check(z.gte(candidateLimits.lowestPort), z.lte(65_535)),
});
export const candidates = z.array(candidate).check(z.maxLength(candidateLimits.count));
export type Candidate = z.infer<typeof candidate>;

/** 4 or 6 when this is an address that a peer on another host may be reached at. */
export function familyOf(address: string): 4 | 6 | undefined {
  const ip = parseIp(address);
  return ip === undefined || reservedKind(ip) !== undefined ? undefined : ip.family;
}

/**
 * Those of a peer that are worth trying, each once: its own network first, since that is the shortest way
 * where it is one, and version 6 before 4 (RFC 8421 §4).
 * @param families for which there is a port here to try from.
 */
export function targetsOf(theirs: readonly Candidate[], families: ReadonlySet<4 | 6>): Candidate[] {
  const seen = new Set<string>();
  const rank = ({ kind, address }: Candidate) =>
    (kind === 'host' ? 0 : 2) + (familyOf(address) === 6 ? 0 : 1);
  return theirs
    .filter(({ address, port }) => {
      const family = familyOf(address);
      const known = seen.has(`${address} ${port}`);
      seen.add(`${address} ${port}`);
      return family !== undefined && families.has(family) && !known;
    })
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, candidateLimits.count);
}

/** What a NAT in front does with one port of this host, as far as relays can tell. */
export type Mapping =
  /** None: a relay sees the host's own address and port. */
  | 'none'
  /** Every relay sees the same address and port: so will a peer. */
  | 'stable'
  /** Relays see different ones: a peer would see yet another, and cannot be told which. */
  | 'varies'
  /** Fewer than two relays were asked, or none answered. */
  | 'unknown';

export function mappingOf(own: readonly Candidate[], seen: readonly Candidate[]): Mapping {
  const [first, ...others] = seen;
  if (first === undefined) return 'unknown';
  const same = (a: Candidate, b: Candidate) => a.address === b.address && a.port === b.port;
  if (own.some((one) => same(one, first))) return 'none';
  if (others.some((one) => !same(one, first))) return 'varies';
  return others.length > 0 ? 'stable' : 'unknown';
}
