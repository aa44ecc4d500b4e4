/**
 * Two hosts behind NATs of given manners (RFC 4787, RFC 5382), as far as opening a TCP connection goes: SYNs
 * that cross, are dropped or refused, in a time of its own. The cores of `schema/path` run on it unchanged.
 */
import type { Candidate } from '#schema/path/candidates.ts';
import { Punch } from '#schema/path/punch.ts';

export interface Nat {
  /** What the outside port depends on: nothing, the address, address and port; or there is no NAT. */
  mapping: 'none' | 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';
  /** Who may come in by a mapping. */
  filtering: 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';
  /** What becomes of the others. */
  unsolicited: 'drop' | 'reset';
}

interface Packet {
  kind: 'syn' | 'syn-ack' | 'ack' | 'rst';
  from: string;
  to: string;
  /** Of the sender's attempt, and of the other's that this answers (0: none): what is old is ignored. */
  number: number;
  answers: number;
}

interface Attempt {
  number: number;
  /** The other side's number, once its SYN has come. */
  theirs: number;
  /** It heeds no RST. */
  deaf?: boolean;
}

type Roll = () => number;

/** Addresses are one word; a place is `address:port`. */
const placeOf = (address: string, port: number) => `${address}:${port}`;
const addressOf = (place: string) => place.slice(0, place.lastIndexOf(':'));

class Router {
  readonly #nat: Nat;
  readonly #outside: string;
  readonly #roll: Roll;
  /** Inside place and what the mapping depends on → outside place. */
  readonly #mapped = new Map<string, string>();
  readonly #inside = new Map<string, string>();
  /** By outside place: whom it has spoken to. */
  readonly #spoken = new Set<string>();

  constructor(nat: Nat, outside: string, roll: Roll) {
    this.#nat = nat;
    this.#outside = outside;
    this.#roll = roll;
  }

  out(packet: Packet): Packet {
    const from = this.#outsideOf(packet);
    this.#spoken.add(`${from}>${packet.to}`).add(`${from}>${addressOf(packet.to)}`);
    return { ...packet, from };
  }

  /** @returns what goes on inside, or what is sent back. */
  in(packet: Packet): { inside?: Packet; back?: Packet } {
    const { mapping, filtering, unsolicited } = this.#nat;
    const to = mapping === 'none' ? packet.to : this.#inside.get(packet.to);
    const whom = filtering === 'address-dependent' ? addressOf(packet.from) : packet.from;
    const known = filtering === 'endpoint-independent' || this.#spoken.has(`${packet.to}>${whom}`);
    if (to !== undefined && known) {
      // netfilter forgets a connection that was answered by a reset alone.
      if (packet.kind === 'rst') this.#spoken.delete(`${packet.to}>${packet.from}`);
      return { inside: { ...packet, to } };
    }
    if (unsolicited === 'drop' || packet.kind === 'rst') return {};
    return { back: { kind: 'rst', from: packet.to, to: packet.from, number: 0, answers: packet.number } };
  }

  #outsideOf({ from, to }: Packet): string {
    const { mapping } = this.#nat;
    if (mapping === 'none') return from;
    const depends = { 'endpoint-independent': '', 'address-dependent': addressOf(to) };
    const key = `${from} ${mapping === 'address-and-port-dependent' ? to : depends[mapping]}`;
    const outside =
      this.#mapped.get(key) ?? placeOf(this.#outside, 20_000 + Math.floor(this.#roll() * 40_000));
    this.#mapped.set(key, outside);
    this.#inside.set(outside, from);
    return outside;
  }
}

export class VirtualHost {
  readonly place: string;
  readonly router: Router;
  /** Addresses that may come in by a listener; none: there is no listener. */
  listensTo: ReadonlySet<string> = new Set();
  /** By place; the number of the attempt that it came from. */
  readonly connected = new Map<string, number>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #network: VirtualNetwork;
  #punch: Punch | undefined;
  #targets: readonly Candidate[] = [];
  #wakeMs = Number.NaN;

  constructor(network: VirtualNetwork, inside: string, nat: Nat, outside: string) {
    this.#network = network;
    this.place = inside;
    this.router = new Router(nat, outside, network.roll);
  }

  start(targets: readonly Candidate[]): void {
    this.#targets = targets;
    this.#punch = new Punch(targets, this.#network.now, this.listensTo.size === 0);
    this.#act();
  }

  receive({ kind, from, number, answers }: Packet): void {
    const attempt = this.#attempts.get(from);
    if (this.connected.has(from)) {
      if (kind !== 'rst' || answers !== this.connected.get(from)) return;
      this.connected.delete(from);
      return this.#refused(from);
    }
    if (kind === 'syn') {
      if (attempt === undefined && !this.listensTo.has(addressOf(from)))
        return this.#send('rst', from, 0, number);
      const mine = attempt ?? { number: this.#network.number(), theirs: 0 };
      mine.theirs = number;
      this.#attempts.set(from, mine);
      return this.#send('syn-ack', from, mine.number, number);
    }
    if (attempt === undefined || answers !== attempt.number) {
      // Of an attempt that was given up.
      if (kind !== 'rst') this.#send('rst', from, 0, number);
      return;
    }
    if (kind === 'rst') {
      if (attempt.deaf) return;
      this.#attempts.delete(from);
      return this.#refused(from);
    }
    this.#attempts.delete(from);
    this.connected.set(from, attempt.number);
    this.#each(from, (target) => this.#punch?.connected(target));
    if (kind === 'syn-ack') this.#send('ack', from, attempt.number, number);
  }

  #act(): void {
    const punch = this.#punch;
    if (!punch) return;
    const { begin, giveUp } = punch.due(this.#network.now);
    for (const { address, port } of giveUp) this.#attempts.delete(placeOf(address, port));
    for (const target of begin) {
      const to = placeOf(target.address, target.port);
      if (this.#attempts.has(to) || this.connected.has(to)) {
        punch.taken(target, this.#network.now);
        continue;
      }
      const number = this.#network.number();
      this.#attempts.set(to, { number, theirs: 0, deaf: punch.isDeaf(target) });
      this.#send('syn', to, number, 0);
    }
    const { wakeMs } = punch;
    if (wakeMs === this.#wakeMs || !Number.isFinite(wakeMs)) return;
    this.#wakeMs = wakeMs;
    this.#network.at(wakeMs, () => this.#act());
  }

  #send(kind: Packet['kind'], to: string, number: number, answers: number): void {
    this.#network.send(this, { kind, from: this.place, to, number, answers });
  }

  #refused(from: string): void {
    this.#each(from, (target) => this.#punch?.refused(target, this.#network.now, this.#network.roll()));
    this.#act();
  }

  #each(place: string, work: (target: Candidate) => void): void {
    for (const target of this.#targets) if (placeOf(target.address, target.port) === place) work(target);
  }
}

export class VirtualNetwork {
  now = 0;
  packets = 0;
  readonly roll: Roll;
  readonly #latencyMs: number;
  readonly #queue: { at: number; work: () => void }[] = [];
  readonly #hosts: VirtualHost[] = [];
  /** What is sent by the same one arrives in its order. */
  readonly #last = new Map<VirtualHost, number>();
  #numbers = 0;

  /** @param latencyMs between the two NATs, one way. */
  constructor(roll: Roll, latencyMs: number) {
    this.roll = roll;
    this.#latencyMs = latencyMs;
  }

  host(inside: string, nat: Nat, outside: string): VirtualHost {
    const host = new VirtualHost(this, inside, nat, outside);
    this.#hosts.push(host);
    return host;
  }

  /** What a relay sees that this host comes from. */
  reflexive(host: VirtualHost): Candidate {
    const syn = { kind: 'syn', from: host.place, to: 'relay:443', number: 0, answers: 0 } as const;
    const { from } = host.router.out(syn);
    return {
      kind: 'reflexive',
      address: addressOf(from),
      port: Number(from.slice(from.lastIndexOf(':') + 1)),
    };
  }

  send(from: VirtualHost, packet: Packet): void {
    this.packets++;
    const outside = from.router.out(packet);
    const to = this.#hosts.find((host) => host !== from)!;
    const arrives = Math.max(this.now + this.#delay(), this.#last.get(from) ?? 0);
    this.#last.set(from, arrives);
    this.at(arrives, () => {
      const { inside, back } = to.router.in(outside);
      if (inside) to.receive(inside);
      if (!back) return;
      this.at(this.now + this.#delay(), () => {
        const home = from.router.in(back).inside;
        if (home) from.receive(home);
      });
    });
  }

  number(): number {
    return ++this.#numbers;
  }

  at(time: number, work: () => void): void {
    this.#queue.push({ at: Math.max(time, this.now), work });
  }

  run(untilMs: number, done: () => boolean): void {
    while (this.#queue.length > 0 && !done()) {
      let first = 0;
      for (const [i, { at }] of this.#queue.entries()) if (at < this.#queue[first]!.at) first = i;
      const [{ at, work }] = this.#queue.splice(first, 1) as [{ at: number; work: () => void }];
      if (at > untilMs) return;
      this.now = at;
      work();
    }
  }

  #delay(): number {
    return this.#latencyMs * (1 + this.roll() / 5);
  }
}
