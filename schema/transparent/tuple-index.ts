/**
 * Finds what belongs to a packet's addresses and ports (of a ping: its identifier) without allocating: a hash
 * table over the bytes as they stand in the frame. Seeded, so that nobody on a LAN can choose tuples that collide. Used by
 * `flows.ts`, which bounds how much goes in.
 */
import { get32, type PacketView } from '#schema/packet/view.ts';

/** Addresses and ports of one direction, under which an index holds something. */
export interface Tuple {
  readonly family: 4 | 6;
  /** Source and destination address, then `PacketView.selector`, in 32-bit words: 3 or 9 of them. */
  readonly words: Int32Array;
  readonly hash: number;
}

export class TupleIndex<T extends { readonly tuple: Tuple; nextInBucket: T | undefined }> {
  readonly #buckets: (T | undefined)[];
  readonly #seed: number;
  #size = 0;

  /** @param capacity how many there will be at most. @param seed 32 random bits. */
  constructor(capacity: number, seed: number) {
    let buckets = 64;
    while (buckets < capacity) buckets *= 2;
    this.#buckets = new Array(buckets).fill(undefined);
    this.#seed = seed | 0;
  }

  get size(): number {
    return this.#size;
  }

  /** What was put in for the tuple of this packet: TCP, UDP or an echo request, and no fragment. */
  find(view: PacketView): T | undefined {
    const hash = this.#hashOf(view);
    let at = this.#buckets[hash & (this.#buckets.length - 1)];
    while (at !== undefined && !(at.tuple.hash === hash && isOf(at.tuple, view))) at = at.nextInBucket;
    return at;
  }

  tupleOf(view: PacketView): Tuple {
    const words = new Int32Array(view.family === 4 ? 3 : 9);
    for (let i = 0; i < words.length - 1; i++) words[i] = get32(view.frame, view.sourceAt + 4 * i);
    words[words.length - 1] = view.selector;
    return { family: view.family, words, hash: this.#hashOf(view) };
  }

  /** There must be none with its tuple. */
  add(item: T): void {
    const bucket = item.tuple.hash & (this.#buckets.length - 1);
    item.nextInBucket = this.#buckets[bucket];
    this.#buckets[bucket] = item;
    this.#size++;
  }

  remove(item: T): void {
    const bucket = item.tuple.hash & (this.#buckets.length - 1);
    let at = this.#buckets[bucket];
    if (at === item) this.#buckets[bucket] = item.nextInBucket;
    else {
      while (at !== undefined && at.nextInBucket !== item) at = at.nextInBucket;
      if (at === undefined) return;
      at.nextInBucket = item.nextInBucket;
    }
    item.nextInBucket = undefined;
    this.#size--;
  }

  #hashOf(view: PacketView): number {
    const { frame, family, sourceAt } = view;
    let hash = this.#seed;
    const end = sourceAt + (family === 4 ? 8 : 32);
    for (let at = sourceAt; at < end; at += 4) hash = mixed(hash, get32(frame, at));
    hash = mixed(hash, view.selector);
    // MurmurHash3's end: every bit of the input reaches the low ones, which choose the bucket.
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }
}

/** MurmurHash3's step. */
function mixed(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  hash ^= k;
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

function isOf({ family, words }: Tuple, view: PacketView): boolean {
  if (family !== view.family) return false;
  const last = words.length - 1;
  if (words[last] !== view.selector) return false;
  const at = view.sourceAt;
  for (let i = 0; i < last; i++) if (words[i] !== get32(view.frame, at + 4 * i)) return false;
  return true;
}
