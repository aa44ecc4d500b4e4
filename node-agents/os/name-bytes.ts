/**
 * Where the bytes of a protected name, or of one below a wildcard, stand in a question for it: what
 * `closed-names.ts` has the kernel compare. Letters count in either case, as they do in names (RFC 4343).
 */
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { longestName, wireOfName } from '#schema/name/wire-name.ts';

export interface Piece {
  /** From where the name begins. */
  offset: number;
  value: Uint8Array;
  mask: Uint8Array;
}

/**
 * Each answer is one way in which a name can match: all its pieces are there. What a pattern has between its
 * first wildcard and its last is hardly looked at, so that a few more names match than it means, never fewer.
 * @param pattern canonical: a name, or a wildcard.
 */
export function waysToMatch(pattern: string): Piece[][] {
  if (!isWildcard(pattern)) return [[piece(0, wireOfName(pattern)!)]];
  const first = pattern.search(/[*?]/);
  const last = Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?'));
  const head = headOf(pattern.slice(0, first));
  const tail = tailOf(pattern.slice(last + 1));
  if (tail.length === 0 && head.length > 0) return [head];
  const from = head.reduce((end, { offset, value }) => Math.max(end, offset + value.length), 1);
  const end = piece(0, tail.length > 0 ? tail : longestMiddleOf(pattern));
  const ways: Piece[][] = [];
  for (let offset = from; offset + end.value.length <= longestName; offset++)
    ways.push([...head, { ...end, offset }]);
  return ways;
}

/** Whole labels with their lengths; of the one in which the wildcard is, the length is not known. */
function headOf(text: string): Piece[] {
  const dot = text.lastIndexOf('.');
  const labels = dot < 0 ? new Uint8Array() : wireOfName(text.slice(0, dot))!.subarray(0, -1);
  const rest = ascii(text.slice(dot + 1));
  return [
    ...(labels.length > 0 ? [piece(0, labels)] : []),
    ...(rest.length > 0 ? [piece(labels.length + 1, rest)] : []),
  ];
}

/** Up to the end of the name. A pattern that ends with its wildcard has none. */
function tailOf(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  const dot = text.indexOf('.');
  if (dot < 0) return Uint8Array.of(...ascii(text), 0);
  return Uint8Array.of(...ascii(text.slice(0, dot)), ...wireOfName(text.slice(dot + 1))!);
}

/** Of a pattern that begins and ends with a wildcard: what is between two of them, as far as its bytes are known. */
function longestMiddleOf(pattern: string): Uint8Array {
  const all = pattern.split(/[*?]+/).map((text) => {
    const [first = '', ...rest] = text.split('.');
    const last = rest.pop() ?? '';
    const labels = rest.length > 0 ? wireOfName(rest.join('.'))!.subarray(0, -1) : [];
    const known = [...ascii(first), ...labels];
    return known.length > 0 ? Uint8Array.from(known) : ascii(last);
  });
  return all.reduce((longest, one) => (one.length > longest.length ? one : longest));
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const piece = (offset: number, value: Uint8Array): Piece => {
  const mask = value.map((byte) => (isLetter(byte) ? 0xdf : 0xff));
  return { offset, value: value.map((byte, i) => byte & mask[i]!), mask };
};

const isLetter = (byte: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
