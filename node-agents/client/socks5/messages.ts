/**
 * The messages of SOCKS 5 (RFC 1928) and of its password method (RFC 1929), as pure readers and writers.
 * A reader is given what has arrived so far and says how many bytes it used, or that it needs more; no
 * message is longer than 515 bytes, so neither is what has to be held.
 */
import type { ErrorCode } from '#schema/errors.ts';
import { parseIp } from '#schema/name/ip.ts';

export const maxMessage = 515;

/** `more`: not whole yet. `broken`: no such message can begin like this. */
export type Read<T> = { state: 'whole'; used: number; value: T } | { state: 'more' } | { state: 'broken' };

const more = { state: 'more' } as const;
const broken = { state: 'broken' } as const;

export const methods = { none: 0x00, password: 0x02, unacceptable: 0xff } as const;
export const commands = { connect: 0x01, bind: 0x02, udpAssociate: 0x03 } as const;

/** RFC 1928 §3: version · count · methods. */
export function readGreeting(bytes: Buffer): Read<{ methods: number[] }> {
  if (bytes.length > 0 && bytes[0] !== 5) return broken;
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) return more;
  const used = 2 + bytes[1]!;
  return { state: 'whole', used, value: { methods: [...bytes.subarray(2, used)] } };
}

/** RFC 1929 §2: version 1 · length · user · length · password. */
export function readPassword(bytes: Buffer): Read<{ user: string; password: string }> {
  if (bytes.length > 0 && bytes[0] !== 1) return broken;
  if (bytes.length < 2) return more;
  const userEnd = 2 + bytes[1]!;
  if (bytes.length <= userEnd) return more;
  const used = userEnd + 1 + bytes[userEnd]!;
  if (bytes.length < used) return more;
  const user = bytes.toString('utf8', 2, userEnd);
  return { state: 'whole', used, value: { user, password: bytes.toString('utf8', userEnd + 1, used) } };
}

/** RFC 1928 §4. `host` is absent when the address type is unknown. */
export interface SocksRequest {
  command: number;
  host?: string;
  port: number;
}

/** RFC 1928 §4: version · command · 0 · address type · address · port. */
export function readRequest(bytes: Buffer): Read<SocksRequest> {
  if (bytes.length > 0 && bytes[0] !== 5) return broken;
  if (bytes.length < 5) return more;
  const [, command, , type, first] = bytes as unknown as [number, number, number, number, number];
  const length = type === 1 ? 4 : type === 4 ? 16 : type === 3 ? 1 + first : undefined;
  if (length === undefined) return { state: 'whole', used: bytes.length, value: { command, port: 0 } };
  const used = 4 + length + 2;
  if (bytes.length < used) return more;
  const host = type === 3 ? bytes.toString('utf8', 5, 4 + length) : addressOf(bytes.subarray(4, 4 + length));
  return { state: 'whole', used, value: { command, host, port: bytes.readUInt16BE(4 + length) } };
}

export const methodChosen = (method: number): Buffer => Buffer.of(5, method);
export const passwordAnswer = (accepted: boolean): Buffer => Buffer.of(1, accepted ? 0 : 1);

export const replies = {
  succeeded: 0,
  failure: 1,
  ruleset: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandUnsupported: 7,
  addressUnsupported: 8,
} as const;

/**
 * RFC 1928 §6.
 * @param bound where to send datagrams. Of a connection it is not told: it lies at the Connector.
 */
export function reply(code: number, bound: { host: string; port: number } = unspecified): Buffer {
  const { family, bytes } = parseIp(bound.host.replace(/%.*$/, ''))!;
  return Buffer.of(5, code, 0, family === 4 ? 1 : 4, ...bytes, bound.port >> 8, bound.port & 0xff);
}

const unspecified = { host: '0.0.0.0', port: 0 };

/** The nearest that RFC 1928 has for a reason of ours. */
export function replyOf(code: ErrorCode): number {
  switch (code) {
    case 'not_a_resource':
    case 'port_denied':
    case 'not_in_connector_acl':
    case 'acl_expired':
    case 'acl_superseded':
    case 'grant_expired':
    case 'address_forbidden':
    case 'revoked':
    case 'instance_mismatch':
      return replies.ruleset;
    case 'connection_refused':
      return replies.refused;
    case 'network_unreachable':
      return replies.networkUnreachable;
    case 'host_unreachable':
    case 'name_not_found':
    case 'name_failed':
    case 'no_connector':
    case 'connector_offline':
      return replies.hostUnreachable;
    case 'connection_timeout':
      return replies.ttlExpired;
    case 'bad_request':
      return replies.addressUnsupported;
    default:
      return replies.failure;
  }
}

/** @param bytes 4 or 16. */
export function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return groups.join(':');
}
