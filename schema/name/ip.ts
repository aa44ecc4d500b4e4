/**
 * IP addresses and prefixes as bytes: strict parsing and the one canonical text of each (RFC 4291 §2.2,
 * RFC 5952). An IPv4-mapped IPv6 address is the IPv4 address, everywhere, so that `::ffff:10.0.0.5` can
 * neither slip past a rule for 10.0.0.5 nor past a refusal of it. Used by `resource/address.ts` for what an
 * administrator writes, by `acl/match.ts` for what a flow asks for, and by the Connector for what DNS answers.
 */

export interface Ip {
  family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  bytes: Uint8Array;
}

export interface Prefix {
  /** As written: host bits are kept (`networkOf` clears them). */
  ip: Ip;
  /** Bits, 0–32 or 0–128. */
  length: number;
}

/** Dotted decimal without leading zeros, or RFC 4291 text without zone; never brackets. Undefined for all else. */
export function parseIp(text: string): Ip | undefined {
  if (text.length > 45) return undefined;
  const bytes = text.includes(':') ? parseV6(text) : parseV4(text);
  return bytes && unmap({ family: bytes.length === 4 ? 4 : 6, bytes });
}

/** `address/length`. Of an IPv4-mapped prefix of 96 bits or more, the IPv4 prefix. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0 || !/^(0|[1-9]\d{0,2})$/.test(text.slice(slash + 1))) return undefined;
  const address = text.slice(0, slash);
  const length = Number(text.slice(slash + 1));
  const ip = parseIp(address);
  if (!ip || length > (address.includes(':') ? 128 : 32)) return undefined;
  if (ip.family === 6 || !address.includes(':')) return { ip, length };
  return length < 96 ? undefined : { ip, length: length - 96 };
}

/** RFC 5952: lower case, no leading zeros, the longest run of zeros (the first of equals) as `::`. */
export function formatIp({ family, bytes }: Ip): string {
  if (family === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  let start = 0;
  let longest = 0;
  for (let i = 0, run = 0; i < 8; i++) {
    run = groups[i] === 0 ? run + 1 : 0;
    if (run > longest) [start, longest] = [i - run + 1, run];
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  return longest < 2
    ? text(groups)
    : `${text(groups.slice(0, start))}::${text(groups.slice(start + longest))}`;
}

export const formatPrefix = ({ ip, length }: Prefix): string => `${formatIp(ip)}/${length}`;

/** The address with all bits after `length` cleared. */
export function networkOf({ ip, length }: Prefix): Prefix {
  const bytes = ip.bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))));
  return { ip: { family: ip.family, bytes }, length };
}

export function contains(prefix: Prefix, ip: Ip): boolean {
  if (prefix.ip.family !== ip.family) return false;
  for (let bit = 0; bit < prefix.length; bit += 8) {
    const mask = 0xff00 >> Math.min(8, prefix.length - bit);
    if (((prefix.ip.bytes[bit >> 3]! ^ ip.bytes[bit >> 3]!) & mask & 0xff) !== 0) return false;
  }
  return true;
}

/** Whether any address is in both. */
export const overlaps = (a: Prefix, b: Prefix): boolean =>
  a.length <= b.length ? contains(a, b.ip) : contains(b, a.ip);

export const sameIp = (a: Ip, b: Ip): boolean =>
  a.family === b.family && a.bytes.every((byte, i) => byte === b.bytes[i]);

/** Bit `i` from the left. */
export const bitOf = (ip: Ip, i: number): 0 | 1 => ((ip.bytes[i >> 3]! >> (7 - (i & 7))) & 1) as 0 | 1;

/** `.` as a digit. */
const dot = 46 - 48;

function parseV4(text: string): Uint8Array | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      // A leading zero is octal to some.
      if (digits > 0 && value === 0) return undefined;
      value = value * 10 + digit;
      if (value > 255) return undefined;
      digits++;
    } else if (digit === dot && digits > 0 && part < 3) {
      bytes[part++] = value;
      digits = 0;
      value = 0;
    } else return undefined;
  }
  if (part !== 3 || digits === 0) return undefined;
  bytes[3] = value;
  return bytes;
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** @param last whether dotted decimal may end these groups. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes('.')) {
      const v4 = parseV4(group);
      if (!v4) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

function unmap(ip: Ip): Ip {
  const mapped =
    ip.family === 6 &&
    ip.bytes[10] === 0xff &&
    ip.bytes[11] === 0xff &&
    ip.bytes.subarray(0, 10).every((byte) => byte === 0);
  return mapped ? { family: 4, bytes: ip.bytes.slice(12) } : ip;
}
