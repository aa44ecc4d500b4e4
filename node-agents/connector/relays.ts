/**
 * Keeps this Connector reachable: a standing link to each of a few relays, by preference those that rank
 * first for its hash, so that the Connectors of a deployment spread over its relays. When too few of them
 * are connected the next in rank is added. What changes is told to the Controller, which tells Clients where
 * to meet. `tunnels.ts` takes what comes in.
 */
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { RelayEntry, RelayLink } from '#schema/control/messages.ts';
import type { ErrorCode } from '#schema/errors.ts';
import type { ControllerClock } from '../link/clock.ts';
import type { Identity } from '../link/identity.ts';
import { type Registration, register } from '../link/relay/register.ts';
import type { Log } from '../process/log.ts';
import type { Random } from '../process/random.ts';
import { limits } from './limits.ts';

export interface RelaysOptions {
  identity: Identity;
  clock: ControllerClock;
  /** The present registration token. */
  registration(): string;
  /** A reason not to take anybody in just now. */
  refusal(): ErrorCode | undefined;
  onIncoming(relay: RelayEntry, accept: () => Promise<Duplex>): void;
  /** This relay ends soon, and Clients can meet this Connector at another. */
  onRelayLeaving(relay: RelayEntry): void;
  /** Of `links`; at most once in `settleMs`. */
  onChange(): void;
  /** A relay is reached: so may others be. */
  onConnected(): void;
  now(): number;
  random: Random;
  log: Log;
}

interface Link {
  entry: RelayEntry;
  registration: Registration;
  state: RelayLink['state'];
  code: ErrorCode | undefined;
  /** Connected or failed once. */
  settled: boolean;
}

/** Changes within this time are told together. */
const settleMs = 25;

export class Relays {
  readonly #o: RelaysOptions;
  readonly #links = new Map<string, Link>();
  #ranked: RelayEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(o: RelaysOptions) {
    this.#o = o;
  }

  get links(): RelayLink[] {
    return [...this.#links.values()].map(({ entry, state, code }) => ({
      relay: entry.id,
      state,
      ...(code && { code }),
    }));
  }

  /** The same with URLs, for people. */
  get described(): { relay: string; url: string; state: string; code: string | null }[] {
    return [...this.#links.values()].map(({ entry, state, code }) => ({
      relay: entry.id,
      url: entry.url,
      state,
      code: code ?? null,
    }));
  }

  /** Where Clients can meet this Connector now. */
  get entries(): RelayEntry[] {
    return [...this.#links.values()].filter(({ state }) => state === 'connected').map(({ entry }) => entry);
  }

  get connected(): number {
    return this.links.filter(({ state }) => state === 'connected').length;
  }

  /** Every link has either come up or failed once. */
  get settled(): boolean {
    return this.#links.size > 0 && [...this.#links.values()].every((link) => link.settled);
  }

  /** The relays that there are now. Links to others are closed; their sessions live on. */
  update(entries: readonly RelayEntry[]): void {
    if (this.#closed) return;
    this.#ranked = rank(entries, this.#o.identity.hash);
    const wanted = new Map(this.#ranked.map((entry) => [entry.id, JSON.stringify(entry)]));
    for (const [id, { entry, registration }] of this.#links) {
      if (wanted.get(id) === JSON.stringify(entry)) continue;
      registration.close();
      this.#links.delete(id);
      this.#told();
    }
    for (const entry of this.#ranked.slice(0, limits.relays)) this.#link(entry);
    this.#addWhereFew();
  }

  /** The network is back: links that wait try now. */
  hurry(): void {
    for (const { registration } of this.#links.values()) registration.hurry();
  }

  /** A tunnel through this relay has fallen silent: is it the relay? */
  probe(relay: string): void {
    this.#links.get(relay)?.registration.probe();
  }

  /** No new Clients come in; what is paired lives on. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { registration } of this.#links.values()) registration.close();
    this.#links.clear();
  }

  #link(entry: RelayEntry): void {
    if (this.#links.has(entry.id) || this.#closed) return;
    const { identity, clock, registration, now, random, log } = this.#o;
    const link: Link = {
      entry,
      state: 'connecting',
      code: undefined,
      settled: false,
      registration: register({
        relay: entry,
        identity,
        clock,
        registration,
        now,
        random,
        log,
        onState: (state, code) => queueMicrotask(() => this.#enter(link, state, code)),
        onIncoming: (session, accept) => this.#incoming(link, session, accept),
        onRestarting: () => this.#restarting(link),
      }),
    };
    this.#links.set(entry.id, link);
  }

  #incoming(link: Link, session: string, accept: () => Promise<Duplex>): void {
    const refusal = this.#o.refusal();
    if (refusal) link.registration.decline(session, refusal);
    else this.#o.onIncoming(link.entry, accept);
  }

  #restarting(link: Link): void {
    this.#o.log.info('relay_restarting', { relay: link.entry.id });
    const others = [...this.#links.values()].some((one) => one !== link && one.state === 'connected');
    if (others) this.#o.onRelayLeaving(link.entry);
  }

  #enter(link: Link, state: Link['state'], code: ErrorCode | undefined): void {
    if (this.#links.get(link.entry.id) !== link) return;
    // A link that tries again is still failed, as far as anybody who wants to use it is concerned.
    if (state === 'connecting' && link.state === 'failed') return;
    link.settled ||= state !== 'connecting';
    if (link.state === state && link.code === code) return;
    link.state = state;
    link.code = code;
    // `link/relay/register.ts` tells of each failure.
    if (state === 'connected') {
      this.#o.log.info('relay_connected', { relay: link.entry.id, url: link.entry.url });
      this.#o.onConnected();
    }
    this.#told();
    if (state === 'failed') this.#addWhereFew();
  }

  #addWhereFew(): void {
    const usable = [...this.#links.values()].filter(({ state }) => state !== 'failed').length;
    if (usable >= limits.fewestRelays) return;
    const next = this.#ranked.find(({ id }) => !this.#links.has(id));
    if (next) this.#link(next);
  }

  #told(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#o.onChange();
    }, settleMs);
  }
}

/** Rendezvous hashing: the same order on every start, another for every Connector. */
function rank(entries: readonly RelayEntry[], hash: string): RelayEntry[] {
  const weight = ({ id }: RelayEntry) => createHash('sha256').update(`${hash}:${id}`).digest('hex');
  return entries
    .map((entry) => ({ entry, weight: weight(entry) }))
    .sort((a, b) => (a.weight < b.weight ? -1 : 1))
    .map(({ entry }) => entry)
    .slice(0, 16);
}
