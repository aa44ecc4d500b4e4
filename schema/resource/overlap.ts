/**
 * Where two Resources meet, and which of them decides there, told to an administrator who makes one. The
 * rules are those of `acl/match.ts`, said about patterns instead of one destination: literal before wildcard,
 * more literal characters, longer prefix; among equals the one that allows the port, then the older.
 */
import { overlaps } from '#schema/name/ip.ts';
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { prefixOf } from './address.ts';

/** Addresses and aliases in canonical form; `id` sorts by age. */
export interface Overlapping {
  id: string;
  address: string;
  alias?: string | null;
}

export interface Overlap<T> {
  other: T;
  /** Which one decides where both match. */
  wins: 'this' | 'other';
  why: 'literal_name' | 'more_literal_characters' | 'longer_prefix' | 'older';
}

/** The overlap of two Resources, or undefined where no destination falls under both. */
export function overlapOf<T extends Overlapping>(self: Overlapping, other: T): Overlap<T> | undefined {
  for (const mine of patternsOf(self)) {
    for (const theirs of patternsOf(other)) {
      if (!meet(mine, theirs)) continue;
      const [ahead, why] = compare(mine, theirs);
      const wins = ahead === 0 ? (self.id < other.id ? 'this' : 'other') : ahead > 0 ? 'this' : 'other';
      return { other, wins, why };
    }
  }
  return undefined;
}

/** Above 0 where `a` is more specific; they are known to meet. */
function compare(a: string, b: string): [number, Overlap<unknown>['why']] {
  const [prefixA, prefixB] = [prefixOf(a), prefixOf(b)];
  if (prefixA && prefixB) {
    const ahead = prefixA.length - prefixB.length;
    return [ahead, ahead === 0 ? 'older' : 'longer_prefix'];
  }
  const literal = Number(isWildcard(b)) - Number(isWildcard(a));
  if (literal !== 0) return [literal, 'literal_name'];
  const ahead = literalCharacters(a) - literalCharacters(b);
  return [ahead, ahead === 0 ? 'older' : 'more_literal_characters'];
}

function meet(a: string, b: string): boolean {
  const [prefixA, prefixB] = [prefixOf(a), prefixOf(b)];
  if (prefixA || prefixB) return prefixA !== undefined && prefixB !== undefined && overlaps(prefixA, prefixB);
  return haveCommonText(a, b);
}

/** Whether some text matches both patterns. Work: the product of their lengths. */
export function haveCommonText(a: string, b: string): boolean {
  // reached[j]: the first i characters of `a` and the first j of `b` can stand for one text.
  let reached = Array.from({ length: b.length + 1 }, (_, j) => /^\**$/.test(b.slice(0, j)));
  for (let i = 1; i <= a.length; i++) {
    const x = a[i - 1]!;
    const row = [reached[0]! && x === '*'];
    for (let j = 1; j <= b.length; j++) {
      const y = b[j - 1]!;
      row[j] =
        x === '*' || y === '*'
          ? reached[j]! || row[j - 1]!
          : reached[j - 1]! && (x === y || x === '?' || y === '?');
    }
    reached = row;
  }
  return reached[b.length]!;
}

const patternsOf = ({ address, alias }: Overlapping): string[] => (alias ? [address, alias] : [address]);
const literalCharacters = (pattern: string): number => pattern.replace(/[*?]/g, '').length;
