/**
 * UDP and pings in transparent mode, as a state machine without sockets: which tunnel flow a datagram of a program
 * belongs to, by its addresses and ports (of a ping: its identifier). What has been idle ends, and where there is
 * no room the longest idle one makes way, so that neither a port scan nor a flood of datagrams takes more than its share.
 * Datagrams come parsed by `packet/parse.ts`; the answers are made by `packet/build.ts`.
 */
import type { PacketView } from '#schema/packet/view.ts';
import { sourceKeyOf, Tally } from './tally.ts';
import { type Tuple, TupleIndex } from './tuple-index.ts';

/** `T`: what the caller hangs on it. */
export interface Association<T = unknown> {
  readonly tuple: Tuple;
  /** IP's number: UDP, ICMP or ICMPv6. */
  readonly protocol: number;
  /** The program's end; for a ping, the port is its identifier. 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly sourcePort: number;
  /** What it wants; for a ping, port 0. */
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** Whom it counts for. */
  readonly sourceKey: string;
  /** The caller's own. */
  owner: T | undefined;
  /** Something came back. */
  answered: boolean;
  /** Last datagram in either direction. */
  lastMs: number;
  /** In no table any more; calls about it do nothing. */
  gone: boolean;
  nextInBucket: Association<T> | undefined;
  /** Neighbours in the order of their last datagrams. */
  older: Association<T> | undefined;
  newer: Association<T> | undefined;
}

export interface AssociationLimits {
  /** In all, and of one source (an IPv4 address, an IPv6 /64). */
  associations: number;
  perSource: number;
  /** Without datagrams: of one that was never answered, and of others (RFC 4787 §4.3: at least 120 s). */
  unansweredMs: number;
  idleMs: number;
}

export const associationLimits: AssociationLimits = {
  associations: 8_192,
  perSource: 4_096,
  unansweredMs: 30_000,
  idleMs: 120_000,
};

/**
 * - `send`: `association` is known: its datagram goes the way of those before.
 * - `open`: `association` is new: open its tunnel flow; its datagrams may be kept until it is there. When
 *   `evicted` is set, that one made way: end what was opened for it.
 */
export type DatagramAction = 'send' | 'open';

export class AssociationTable<T = unknown> {
  /** After each `take`: whose it is. */
  association: Association<T> | undefined;
  /** After `open`: which one had to go for it, if any. */
  evicted: Association<T> | undefined;

  readonly #limits: AssociationLimits;
  readonly #index: TupleIndex<Association<T>>;
  readonly #perSource = new Tally();
  #oldest: Association<T> | undefined;
  #newest: Association<T> | undefined;

  /** @param o.random32 32 random bits, against chosen collisions. */
  constructor(o: { random32: () => number; limits?: Partial<AssociationLimits> }) {
    this.#limits = { ...associationLimits, ...o.limits };
    this.#index = new TupleIndex(this.#limits.associations, o.random32());
  }

  get size(): number {
    return this.#index.size;
  }

  /** @param view a UDP datagram or an echo request, parsed and no fragment. */
  take(view: PacketView, nowMs: number): DatagramAction {
    this.evicted = undefined;
    const known = this.#index.find(view);
    this.association = known ?? this.#begin(view, nowMs);
    if (known === undefined) return 'open';
    this.#touch(known, nowMs);
    return 'send';
  }

  /** A datagram came back. @returns false when the association is gone: drop the datagram. */
  answered(association: Association<T>, nowMs: number): boolean {
    if (association.gone) return false;
    association.answered = true;
    this.#touch(association, nowMs);
    return true;
  }

  /** The caller has ended it: refused, or its tunnel flow is gone. The program's next datagram opens it anew. */
  remove(association: Association<T>): void {
    if (association.gone) return;
    association.gone = true;
    this.#index.remove(association);
    this.#perSource.remove(association.sourceKey);
    this.#unlink(association);
  }

  /** Call it about once a second. @returns those that were idle for too long, removed: end what was opened for them. */
  sweep(nowMs: number): Association<T>[] {
    const { unansweredMs, idleMs } = this.#limits;
    const shortest = Math.min(unansweredMs, idleMs);
    const idle: Association<T>[] = [];
    for (let at = this.#oldest; at !== undefined && nowMs - at.lastMs >= shortest; at = at.newer) {
      if (nowMs - at.lastMs >= (at.answered ? idleMs : unansweredMs)) idle.push(at);
    }
    for (const association of idle) this.remove(association);
    return idle;
  }

  #begin(view: PacketView, nowMs: number): Association<T> {
    const sourceKey = sourceKeyOf(view);
    const ownLimit = this.#perSource.of(sourceKey) >= this.#limits.perSource;
    if (ownLimit || this.#index.size >= this.#limits.associations) {
      this.evicted = ownLimit ? this.#oldestOf(sourceKey) : this.#oldest;
      if (this.evicted !== undefined) this.remove(this.evicted);
    }
    const association: Association<T> = {
      tuple: this.#index.tupleOf(view),
      protocol: view.protocol,
      source: view.source,
      sourcePort: view.selector >>> 16,
      destination: view.destination,
      destinationPort: view.selector & 0xffff,
      sourceKey,
      owner: undefined,
      answered: false,
      lastMs: nowMs,
      gone: false,
      nextInBucket: undefined,
      older: undefined,
      newer: undefined,
    };
    this.#index.add(association);
    this.#perSource.add(sourceKey);
    this.#append(association);
    return association;
  }

  #oldestOf(sourceKey: string): Association<T> | undefined {
    let at = this.#oldest;
    while (at !== undefined && at.sourceKey !== sourceKey) at = at.newer;
    return at;
  }

  #touch(association: Association<T>, nowMs: number): void {
    association.lastMs = nowMs;
    if (association === this.#newest) return;
    this.#unlink(association);
    this.#append(association);
  }

  #append(association: Association<T>): void {
    association.older = this.#newest;
    association.newer = undefined;
    if (this.#newest === undefined) this.#oldest = association;
    else this.#newest.newer = association;
    this.#newest = association;
  }

  #unlink(association: Association<T>): void {
    const { older, newer } = association;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    association.older = association.newer = undefined;
  }
}
