/**
 * What an administrator may write as the address of a Resource, and the one canonical text of it that is
 * stored, compared and put into ACLs: an IP address (RFC 5952), a network in CIDR notation, a name in lower
 * case (international ones as A-labels, RFC 5890), or a wildcard. Comes before `acl/match.ts`, which looks
 * destinations up by these texts.
 */
import { type Refusal, refuse, type Verdict } from '#schema/errors.ts';
import { canonicalHost } from '#schema/name/host.ts';
import {
  formatIp,
  formatPrefix,
  networkOf,
  type Prefix,
  parseIp,
  parsePrefix,
  sameIp,
} from '#schema/name/ip.ts';
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { type ReservedKind, reservedKind, reservedPrefix } from '#schema/name/reserved.ts';

export type AddressKind = 'ip' | 'network' | 'name' | 'wildcard';
export type AddressCode = 'address_invalid' | 'address_host_bits' | 'address_reserved';

/**
 * @param allowReserved admits loopback, link-local, metadata and the like; never the synthetic ranges.
 * @returns the kind and the canonical text.
 */
export function parseAddress(
  text: string,
  { allowReserved }: { allowReserved: boolean },
): Verdict<{ kind: AddressKind; address: string }, AddressCode> {
  const written = text.trim();
  const invalid = mistakeIn(written);
  if (invalid) return refuse('address_invalid', invalid);
  if (written.includes('/')) return parseNetwork(written, allowReserved);

  const ip = parseIp(written);
  if (ip) {
    const address = formatIp(ip);
    return reservedUnless(allowReserved, address, reservedKind(ip)) ?? { ok: true, kind: 'ip', address };
  }
  return isWildcard(written) ? parseWildcard(written) : parseName(written, allowReserved);
}

/** What people write instead of an address, told as what to write. */
function mistakeIn(text: string): string | undefined {
  if (text === '') return 'the address is empty';
  if (text.includes('://')) return `${text}: without the scheme, the host alone`;
  if (/^[^:/]+:\d+$/.test(text) || /^\[.*\]:\d+$/.test(text))
    return `${text}: without the port; ports have their own fields`;
  if (/^\[.*\]$/.test(text)) return `${text}: an IPv6 address without brackets`;
  if (/[\s,;]/.test(text)) return `${text}: one address for one Resource`;
  return undefined;
}

function parseNetwork(text: string, allowReserved: boolean): ReturnType<typeof parseAddress> {
  const prefix = parsePrefix(text);
  if (!prefix) return refuse('address_invalid', `${text}: not a network such as 10.0.0.0/24 or fd12::/64`);
  const network = networkOf(prefix);
  if (!sameIp(network.ip, prefix.ip)) {
    return refuse(
      'address_host_bits',
      `${text} has host bits set: write ${formatPrefix(network)}, or ${formatIp(prefix.ip)} for the one host`,
    );
  }
  const single = network.length === 8 * network.ip.bytes.length;
  const address = single ? formatIp(network.ip) : formatPrefix(network);
  const reserved = single ? reservedKind(network.ip) : reservedPrefix(network);
  return (
    reservedUnless(allowReserved, address, reserved) ?? {
      ok: true,
      kind: single ? 'ip' : 'network',
      address,
    }
  );
}

function parseName(text: string, allowReserved: boolean): ReturnType<typeof parseAddress> {
  const address = toAscii(text);
  if (address === undefined) return refuse('address_invalid', `${text}: not a domain name`);
  const loopback = address === 'localhost' || address.endsWith('.localhost');
  return (
    reservedUnless(allowReserved, address, loopback ? 'loopback' : undefined) ?? {
      ok: true,
      kind: 'name',
      address,
    }
  );
}

function parseWildcard(text: string): ReturnType<typeof parseAddress> {
  const address = text.toLowerCase().replace(/\.$/, '').replace(/\*+/g, '*');
  if (!/[a-z]/.test(address)) {
    return refuse(
      'address_invalid',
      `${text}: a wildcard is for names, and needs a part of one; for addresses write a network such as 10.0.0.0/24`,
    );
  }
  // Wildcards stand for letters: what is left must be a name when one letter takes the place of each.
  if (canonicalHost(address.replace(/[*?]/g, 'a')) === undefined)
    return refuse('address_invalid', `${text}: not a wildcard such as *.internal or db-?.internal`);
  return { ok: true, kind: 'wildcard', address };
}

function reservedUnless(
  allowed: boolean,
  address: string,
  kind: ReservedKind | undefined,
): Refusal<'address_reserved'> | undefined {
  if (kind === undefined || (allowed && kind !== 'synthetic')) return undefined;
  return refuse('address_reserved', `${address} is ${reasons[kind]}`);
}

const reasons: Record<ReservedKind, string> = {
  unspecified: 'the unspecified address',
  loopback: 'the Connector’s own loopback',
  link_local: 'link-local',
  metadata: 'a cloud’s metadata service',
  multicast: 'multicast',
  broadcast: 'broadcast',
  synthetic: 'in a range that Clients answer protected names with',
};

/** A name in its A-label form (UTS 46 as URLs apply it), or undefined. */
export function toAscii(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(text)) return canonicalHost(text);
  // What ends a host in a URL must not be taken for its end here.
  if (/[/?#@:\\%[\]]/.test(text) || !URL.canParse(`http://${text}`)) return undefined;
  const name = canonicalHost(new URL(`http://${text}`).hostname);
  return name !== undefined && parseIp(name) === undefined ? name : undefined;
}

/** A stored address as a network, where it is one: a single IP address is its own. */
export function prefixOf(address: string): Prefix | undefined {
  const ip = parseIp(address);
  return ip ? { ip, length: 8 * ip.bytes.length } : parsePrefix(address);
}
