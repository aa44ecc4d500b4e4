/**
 * Reads what programs write as a destination (CONNECT authority, URL, SOCKS address, `--forward`) into the
 * one form that ACLs are matched in (`schema/name/host.ts`), so that no spelling slips past a rule. A name in
 * another script becomes its ASCII form (RFC 5891) first.
 */
import { domainToASCII } from 'node:url';
import type { Destination } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { canonicalHost } from '#schema/name/host.ts';

export type TcpDestination = Destination & { protocol: 'tcp'; port: number };
export type UdpDestination = Destination & { protocol: 'udp'; port: number };

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
export const tcpDestination = (host: string, port: number) => destinationOf('tcp', host, port);
export const udpDestination = (host: string, port: number) => destinationOf('udp', host, port);

function destinationOf<P extends 'tcp' | 'udp'>(
  protocol: P,
  host: string,
  port: number,
): Verdict<{ destination: { protocol: P; host: string; port: number } }, 'bad_request'> {
  if (!(port >= 1 && port <= 65535)) return refuse('bad_request', `port ${port} is not within 1–65535`);
  const canonical = canonicalHost(domainToASCII(host) || host);
  if (canonical === undefined) return refuse('bad_request', 'the host is neither a name nor an IP address');
  return { ok: true, destination: { protocol, host: canonical, port } };
}
