/**
 * Longest-prefix tree over the addresses of one family: each node is the prefix that all below it share, so
 * a look-up passes at most one node per bit and the tree at most two nodes per prefix in it.
 */
import { bitOf, contains, type Ip, networkOf, type Prefix } from './ip.ts';

interface Node<T> {
  prefix: Prefix;
  values: T[];
  below: [Node<T> | undefined, Node<T> | undefined];
}

export class PrefixTree<T> {
  #root: Node<T> | undefined;
  /** Nodes looked at so far, for the test that bounds the work. */
  visits = 0;

  add(prefix: Prefix, value: T): void {
    this.#root = insert(this.#root, networkOf(prefix), value);
  }

  /** What stands behind the longest prefix that contains the address. */
  longest(ip: Ip): readonly T[] {
    let best: readonly T[] = [];
    for (let node = this.#root; node && contains(node.prefix, ip); ) {
      this.visits++;
      if (node.values.length > 0) best = node.values;
      if (node.prefix.length === 8 * ip.bytes.length) break;
      node = node.below[bitOf(ip, node.prefix.length)];
    }
    return best;
  }
}

function insert<T>(node: Node<T> | undefined, prefix: Prefix, value: T): Node<T> {
  if (!node) return { prefix, values: [value], below: [undefined, undefined] };
  const shared = sharedBits(node.prefix, prefix);
  if (shared === node.prefix.length && shared === prefix.length) {
    node.values.push(value);
    return node;
  }
  if (shared === node.prefix.length) {
    const bit = bitOf(prefix.ip, shared);
    node.below[bit] = insert(node.below[bit], prefix, value);
    return node;
  }
  const above: Node<T> = {
    prefix: networkOf({ ip: prefix.ip, length: shared }),
    values: shared === prefix.length ? [value] : [],
    below: [undefined, undefined],
  };
  above.below[bitOf(node.prefix.ip, shared)] = node;
  if (shared < prefix.length) {
    above.below[bitOf(prefix.ip, shared)] = { prefix, values: [value], below: [undefined, undefined] };
  }
  return above;
}

function sharedBits(a: Prefix, b: Prefix): number {
  const most = Math.min(a.length, b.length);
  for (let i = 0; 8 * i < most; i++) {
    const differing = a.ip.bytes[i]! ^ b.ip.bytes[i]!;
    if (differing !== 0) return Math.min(most, 8 * i + Math.clz32(differing) - 24);
  }
  return most;
}
