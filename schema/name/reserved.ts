/**
 * The addresses that are never a Resource and never forwarded to unless an administrator says so for one
 * Resource (`allow_reserved`): they mean the Connector's own host, its link or its cloud's metadata service,
 * and a name in somebody else's zone can point there (DNS rebinding). Synthetic addresses (design §8) exist
 * on Clients alone and are refused even then.
 */
import { contains, type Ip, type Prefix, parsePrefix } from './ip.ts';

/** IPv4 addresses that Clients answer protected names with. */
export const syntheticV4 = '100.96.0.0/12';
/** The same for AAAA: a unique local prefix (RFC 4193) of Sallyport's own. */
export const syntheticV6 = 'fd53:616c:6c79::/48';

export type ReservedKind =
  | 'unspecified'
  | 'loopback'
  | 'link_local'
  | 'metadata'
  | 'multicast'
  | 'broadcast'
  | 'synthetic';

// In order: the first that contains the address names it.
const ranges: readonly (readonly [ReservedKind, Prefix])[] = (
  [
    ['synthetic', syntheticV4],
    ['synthetic', syntheticV6],
    // AWS and most others; AWS over IPv6 and for pods; Google over IPv6; Azure; Oracle.
    ['metadata', '169.254.169.254/32'],
    ['metadata', 'fd00:ec2::254/128'],
    ['metadata', 'fd00:ec2::23/128'],
    ['metadata', 'fd20:ce::254/128'],
    ['metadata', '168.63.129.16/32'],
    ['metadata', '192.0.0.192/32'],
    ['unspecified', '0.0.0.0/8'],
    ['loopback', '127.0.0.0/8'],
    ['link_local', '169.254.0.0/16'],
    ['multicast', '224.0.0.0/4'],
    ['broadcast', '255.255.255.255/32'],
    ['unspecified', '::/128'],
    ['loopback', '::1/128'],
    ['link_local', 'fe80::/10'],
    ['multicast', 'ff00::/8'],
  ] as const
).map(([kind, text]) => [kind, parsePrefix(text)!] as const);

/** Prefixes whose last bits carry an IPv4 address that a translator will reach (RFC 6052, RFC 8215, RFC 3056, RFC 4291 §2.5.5.1, RFC 7915). */
const translated = [
  { prefix: parsePrefix('64:ff9b::/96')!, at: 12 },
  { prefix: parsePrefix('64:ff9b:1::/48')!, at: 12 },
  { prefix: parsePrefix('::ffff:0:0:0/96')!, at: 12 },
  { prefix: parsePrefix('::/96')!, at: 12 },
  { prefix: parsePrefix('2002::/16')!, at: 2 },
];

/** Why this one address is reserved, or undefined. */
export function reservedKind(ip: Ip): ReservedKind | undefined {
  const found = ranges.find(([, prefix]) => contains(prefix, ip));
  if (found) return found[0];
  const inner = translated.find(({ prefix }) => contains(prefix, ip));
  return inner && reservedKind({ family: 4, bytes: ip.bytes.slice(inner.at, inner.at + 4) });
}

/**
 * Why a prefix that lies wholly in one such range is reserved, or undefined. A wider one (0.0.0.0/0) may be a
 * Resource: the Connector refuses the reserved addresses in it one by one.
 */
export const reservedPrefix = (prefix: Prefix): ReservedKind | undefined =>
  ranges.find(([, range]) => range.length <= prefix.length && contains(range, prefix.ip))?.[0];
