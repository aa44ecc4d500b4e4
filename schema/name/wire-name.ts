/**
 * Names as DNS messages carry them (RFC 1035 §3.1, §4.1.4), and as text. A pointer must lead back to before
 * where its name began, so that every name ends and costs at most what its own 255 bytes do.
 */

/** Bytes, the root label included. */
export const longestName = 255;
const maxLabel = 63;

export interface WireName {
  /** Lower case, without a final dot; bytes that are no part of a host name as `\DDD`; the root is ''. */
  text: string;
  /** Behind what stands at this place, be it the name or a pointer to the rest of it. */
  end: number;
}

/** Undefined when it is broken, loops or is too long. */
export function readName(bytes: Uint8Array, from: number): WireName | undefined {
  let at = from;
  let earliest = from;
  let end: number | undefined;
  let length = 1;
  let text = '';
  for (;;) {
    const size = bytes[at];
    if (size === undefined) return undefined;
    if (size === 0) return { text, end: end ?? at + 1 };
    if (size >= 0xc0) {
      if (at + 1 >= bytes.length) return undefined;
      end ??= at + 2;
      at = ((size & 0x3f) << 8) | bytes[at + 1]!;
      if (at >= earliest) return undefined;
      earliest = at;
      continue;
    }
    length += size + 1;
    if (size > maxLabel || length > longestName || at + size >= bytes.length) return undefined;
    if (text !== '') text += '.';
    for (let i = at + 1; i <= at + size; i++) text += characters[bytes[i]!]!;
    at += size + 1;
  }
}

/** Without compression. Undefined for what is no name. */
export function wireOfName(text: string): Uint8Array | undefined {
  if (text === '') return Uint8Array.of(0);
  const bytes: number[] = [];
  let start = bytes.push(0) - 1;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '.') {
      if (!close(bytes, start)) return undefined;
      start = bytes.push(0) - 1;
    } else if (character === '\\') {
      const value = Number(/^\d{3}$/.test(text.slice(i + 1, i + 4)) ? text.slice(i + 1, i + 4) : '256');
      if (value > 255) return undefined;
      bytes.push(value);
      i += 3;
    } else {
      const code = character.charCodeAt(0);
      if (code > 0x7e || code < 0x21) return undefined;
      bytes.push(code);
    }
  }
  if (!close(bytes, start)) return undefined;
  bytes.push(0);
  return bytes.length > longestName ? undefined : Uint8Array.from(bytes);
}

/** Sets the length in front of a label; false when it is none. */
function close(bytes: number[], start: number): boolean {
  const size = bytes.length - start - 1;
  bytes[start] = size;
  return size > 0 && size <= maxLabel;
}

/** What each byte of a label reads as. */
const characters = Array.from({ length: 256 }, (_, byte) => {
  const text = String.fromCharCode(byte);
  if (byte > 0x20 && byte < 0x7f && text !== '.' && text !== '\\') return text.toLowerCase();
  return `\\${String(byte).padStart(3, '0')}`;
});
