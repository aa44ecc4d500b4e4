/**
 * The names under which PTR records of addresses stand (RFC 1035 §3.5, RFC 3596 §2.5), both ways.
 */
import type { Ip } from './ip.ts';

const v4Zone = '.in-addr.arpa';
const v6Zone = '.ip6.arpa';

export function reverseName({ family, bytes }: Ip): string {
  if (family === 4) return `${[...bytes].reverse().join('.')}${v4Zone}`;
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 0x0f]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}${v6Zone}`;
}

/** Of a whole address only: a zone above it is nobody's. @param name lower case, without a final dot. */
export function addressOfReverse(name: string): Ip | undefined {
  if (name.endsWith(v4Zone)) {
    const parts = name.slice(0, -v4Zone.length).split('.').reverse();
    if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
      return undefined;
    return { family: 4, bytes: Uint8Array.from(parts, Number) };
  }
  if (!name.endsWith(v6Zone)) return undefined;
  const nibbles = name.slice(0, -v6Zone.length);
  if (!/^[0-9a-f](\.[0-9a-f]){31}$/.test(nibbles)) return undefined;
  const digits = nibbles.split('.').reverse().join('');
  return {
    family: 6,
    bytes: Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)),
  };
}
