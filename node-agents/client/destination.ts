/**
 * Reads what programs write as a destination (CONNECT authority, URL, SOCKS address, `--forward`) into the
 * one form that ACLs are matched in: a lower-case name in ASCII without a final dot, or a canonical IP
 * address. `127.1`, `0x7f.0.0.1` and `::ffff:127.0.0.1` are all 127.0.0.1, so no spelling slips past a rule.
 */
import { isIP } from 'node:net';
import type { Destination } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';

export type TcpDestination = Destination & { protocol: 'tcp'; port: number };

/** `host:port` or `[v6]:port` (RFC 3986 §3.2 without userinfo). The port is required unless a default is given. */
export function parseAuthority(
  text: string,
  defaultPort?: number,
): Verdict<{ destination: TcpDestination }, 'bad_request'> {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^\s:@/?#[\]\\%]+)(?::(\d{1,5}))?$/.exec(text);
  if (!parts) return refuse('bad_request', `not a destination: write host:port or [ipv6]:port`);
  const port = parts[2] === undefined ? defaultPort : Number(parts[2]);
  if (port === undefined) return refuse('bad_request', 'the destination has no port');
  return tcpDestination(parts[1]!, port);
}

/** @param host a name, an IPv4 or an IPv6 address, with or without brackets. */
export function tcpDestination(
  host: string,
  port: number,
): Verdict<{ destination: TcpDestination }, 'bad_request'> {
  if (!(port >= 1 && port <= 65535)) return refuse('bad_request', `port ${port} is not within 1–65535`);
  const canonical = canonicalHost(host);
  if (canonical === undefined) return refuse('bad_request', 'the host is neither a name nor an IP address');
  return { ok: true, destination: { protocol: 'tcp', host: canonical, port } };
}

function canonicalHost(host: string): string | undefined {
  const bracketed = isIP(host) === 6 ? `[${host}]` : host;
  if (/[\s@/?#\\%]/.test(bracketed) || !URL.canParse(`http://${bracketed}/`)) return undefined;
  // The WHATWG host parser does IDNA, case and the many spellings of IPv4 exactly as browsers do.
  const parsed = new URL(`http://${bracketed}/`);
  if (parsed.port !== '' || parsed.username !== '') return undefined;
  const { hostname } = parsed;
  if (hostname.startsWith('[')) return unmapped(hostname.slice(1, -1));
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
  return name.length > 0 && name.length <= 253 ? name : undefined;
}

/** RFC 4291 §2.5.5.2: an IPv4-mapped IPv6 address is that IPv4 address. */
function unmapped(v6: string): string {
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(v6);
  if (!mapped) return v6;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
