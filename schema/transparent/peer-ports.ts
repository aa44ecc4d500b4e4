/**
 * The made-up remote ends that the listener sees: a few addresses, each with its ports, given out in turn. The turn
 * begins anywhere, so that after a restart the kernel's left-over sockets are not met again, and comes back as late
 * as possible, so that a port rests longer than TIME_WAIT lasts. Used by `flows.ts`.
 */

export interface Peers {
  /** The first address; the others follow it, differing in the last byte alone. */
  first: Uint8Array;
  /** 1–64. Four outlast TIME_WAIT (60 s) at 4,000 flows a second. */
  count: number;
}

const lowest = 1024;
const ports = 65_536 - lowest;

export class PeerPorts<T> {
  readonly #used = new Map<number, T>();
  readonly #peers: Peers;
  #next: number;

  /** @param start any number: where the turn begins. */
  constructor(peers: Peers, start: number) {
    const last = peers.first.at(-1);
    if (last === undefined || peers.count < 1 || peers.count > 64 || last + peers.count > 255)
      throw new RangeError('peers must be 1–64 addresses that differ in the last byte alone');
    this.#peers = peers;
    this.#next = (start >>> 0) % (peers.count * ports);
  }

  get size(): number {
    return this.#used.size;
  }

  /** Which of the peers stands there; -1 for none. */
  peerAt(bytes: Uint8Array, at: number): number {
    const { first, count } = this.#peers;
    const last = first.length - 1;
    for (let i = 0; i < last; i++) if (bytes[at + i] !== first[i]) return -1;
    const peer = bytes[at + last]! - first[last]!;
    return peer >= 0 && peer < count ? peer : -1;
  }

  addressOf(peer: number): Uint8Array {
    const address = Uint8Array.from(this.#peers.first);
    address[address.length - 1]! += peer;
    return address;
  }

  get(peer: number, port: number): T | undefined {
    return this.#used.get(peer * 65_536 + port);
  }

  /** The next free one. There is one: whoever calls keeps fewer flows than one address has ports. */
  take(owner: T): { peer: number; port: number } {
    for (;;) {
      const peer = Math.floor(this.#next / ports);
      const port = lowest + (this.#next % ports);
      this.#next = (this.#next + 1) % (this.#peers.count * ports);
      if (this.#used.has(peer * 65_536 + port)) continue;
      this.#used.set(peer * 65_536 + port, owner);
      return { peer, port };
    }
  }

  free(peer: number, port: number): void {
    this.#used.delete(peer * 65_536 + port);
  }
}

/** More flows than this would leave a `take` without end. */
export const mostFlows = ports - 1;
