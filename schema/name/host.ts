/**
 * The one canonical text of a host that somebody asks for: an IP address as `ip.ts` prints it, or a name in
 * lower case without a final dot. Both ends bring a destination into this form before they look it up, so
 * that no spelling of a host can fall under another rule than the host itself.
 */
import { formatIp, parseIp } from './ip.ts';

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** Ends like a number, so resolvers may read it as an IPv4 address: 127.1, 0x7f000001, 2130706433. */
const numeric = /^(?:\d+|0x[0-9a-f]*)$/;

/** @returns undefined for what is neither an IP address nor a name (RFC 1123 §2.1, underscores allowed). */
export function canonicalHost(text: string): string | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const ip = parseIp(bare);
  if (ip) return formatIp(ip);
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (name.length === 0 || name.length > 253) return undefined;
  const labels = name.split('.');
  if (numeric.test(labels[labels.length - 1]!)) return undefined;
  return labels.every((part) => label.test(part)) ? name : undefined;
}
