/**
 * All UDP (and ICMP echo) associations of a Client: how many there may be, when they end, and the refusals
 * that still count. Whoever receives datagrams keeps the `Association` by its own key (port, 5-tuple) and
 * drops it at `onEnd`; behind stands an `Open` (`flow.ts`), which routes, tunnels and reports denials.
 */
import { type ErrorCode, type Refusal, refuse, type Verdict } from '#schema/errors.ts';
import { Association, type AssociationRequest, type Shared } from './association.ts';
import { type Limits, limits } from './limits.ts';
import type { OpenLine } from './line.ts';

export interface AssociationsOptions {
  open: OpenLine;
  /** One that was open has ended for a reason, such as the destination's own "port unreachable". */
  onCut?(cut: Pick<AssociationRequest, 'destination' | 'clientAddress'> & { code: ErrorCode }): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Departures from `limits`. */
  limits?: Partial<Limits>;
}

/** As `status` tells it. */
export interface AssociationCounts {
  associations: number;
  /** Ended before their time to make room. */
  evicted: number;
  datagrams_up: number;
  datagrams_down: number;
  datagrams_dropped: number;
}

/** How often idleness is looked for: the bound is kept within it. */
const lookEveryMs = 1_000;
/** Associations in use that may be passed over in search of one to evict. */
const secondChances = 16;

export class Associations {
  readonly #o: AssociationsOptions;
  readonly #shared: Shared;
  /** By source address; each set has the longest unused first, near enough. */
  readonly #sources = new Map<string, Set<Association>>();
  readonly #refused = new Map<string, { refusal: Refusal; untilMs: number }>();
  readonly #timer: NodeJS.Timeout;
  #size = 0;
  #evicted = 0;
  #closed = false;

  constructor(o: AssociationsOptions) {
    this.#o = o;
    this.#shared = {
      limits: { ...limits, ...o.limits },
      ...{ waitingBytes: 0, datagramsUp: 0, datagramsDown: 0, dropped: 0 },
    };
    const everyMs = Math.min(lookEveryMs, this.#shared.limits.idleMs / 2);
    this.#timer = setInterval(() => this.#look(), everyMs).unref();
  }

  /**
   * Never waits: datagrams may be sent at once, and are kept until the far side has accepted.
   * @returns the refusal when the same was refused a moment ago, or when there is no room; then `onEnd` is
   * not called.
   */
  open(request: AssociationRequest): Verdict<{ association: Association }> {
    if (this.#closed) return refuse('cancelled');
    const refused = this.#refused.get(wayOf(request));
    if (refused !== undefined) {
      if (this.#o.now() < refused.untilMs) return refused.refusal;
      this.#refused.delete(wayOf(request));
    }
    if (!this.#makeRoom(request.clientAddress)) return refuse('limit_reached');
    const association = new Association(request, this.#shared, (ended, code, refused) => {
      this.#remove(ended);
      if (code === undefined) return;
      if (refused) this.#remember(request, refuse(code));
      else this.#o.onCut?.({ destination: request.destination, clientAddress: request.clientAddress, code });
    });
    association.usedAtMs = this.#o.now();
    const { clientAddress } = request;
    const mine = this.#sources.get(clientAddress) ?? new Set();
    this.#sources.set(clientAddress, mine.add(association));
    this.#size++;
    // Later in this turn: the first datagram can go with the request.
    queueMicrotask(() => void this.#start(association));
    return { ok: true, association };
  }

  get size(): number {
    return this.#size;
  }

  get counts(): AssociationCounts {
    const { datagramsUp, datagramsDown, dropped } = this.#shared;
    return {
      associations: this.#size,
      evicted: this.#evicted,
      datagrams_up: datagramsUp,
      datagrams_down: datagramsDown,
      datagrams_dropped: dropped,
    };
  }

  /** Ends all and opens no more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const source of [...this.#sources.values()]) for (const one of [...source]) one.close();
  }

  async #start(association: Association): Promise<void> {
    if (association.ended) return;
    const { destination, clientAddress } = association.request;
    const early = () => association.early();
    association.opened(await this.#o.open({ destination, clientAddress, early, signal: association.gone }));
  }

  /** Its own longest unused one makes room first; else that of the source with the most. */
  #makeRoom(clientAddress: string): boolean {
    const { associations, associationsPerSource } = this.#shared.limits;
    const mine = this.#sources.get(clientAddress);
    if (mine && mine.size >= associationsPerSource) return this.#evict(mine);
    if (this.#size < associations) return true;
    let largest = mine;
    for (const source of this.#sources.values()) if (source.size > (largest?.size ?? 0)) largest = source;
    return largest !== undefined && this.#evict(largest);
  }

  /** The clock algorithm: whoever was used since the last look is passed over once. */
  #evict(source: Set<Association>): boolean {
    let passed = 0;
    for (const association of source) {
      if (!association.used || passed++ >= secondChances) {
        association.close();
        this.#evicted++;
        return true;
      }
      source.delete(association);
      source.add(association);
    }
    return false;
  }

  #look(): void {
    const nowMs = this.#o.now();
    for (const source of [...this.#sources.values()]) {
      for (const association of source) {
        if (association.used) {
          association.used = false;
          association.usedAtMs = nowMs;
        } else if (nowMs - association.usedAtMs >= this.#idleMsOf(association)) association.close();
      }
    }
    for (const [way, { untilMs }] of this.#refused) {
      if (nowMs < untilMs) break;
      this.#refused.delete(way);
    }
  }

  #idleMsOf({ request }: Association): number {
    const { idleMs, idleOfDnsMs } = this.#shared.limits;
    return request.destination.port === 53 ? Math.min(idleMs, idleOfDnsMs) : idleMs;
  }

  #remember(request: AssociationRequest, refusal: Refusal): void {
    const { refusals, refusedMs } = this.#shared.limits;
    const [oldest] = this.#refused.keys();
    if (this.#refused.size >= refusals && oldest !== undefined) this.#refused.delete(oldest);
    const way = wayOf(request);
    this.#refused.delete(way);
    this.#refused.set(way, { refusal, untilMs: this.#o.now() + refusedMs });
  }

  #remove(association: Association): void {
    const { clientAddress } = association.request;
    const source = this.#sources.get(clientAddress);
    if (!source?.delete(association)) return;
    this.#size--;
    if (source.size === 0) this.#sources.delete(clientAddress);
  }
}

const wayOf = ({ clientAddress, destination: { protocol, host, port } }: AssociationRequest): string =>
  `${protocol} ${clientAddress} ${host} ${port ?? ''}`;
