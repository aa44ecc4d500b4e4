/**
 * The relay without its sockets: who is seated, who waits for whom, where a frame goes. A Durable Object and
 * a Node process host it (`workers/relay`, `node-agents/relay`). Before it: `handshake.ts`, which has settled
 * who somebody is. What the host has to do comes as queued commands, but the data path queues nothing:
 * `route` returns where the very bytes that came in are to be sent.
 *
 *   Connector ── register ──▶ link ◀── incoming ──┐
 *   Client ──── connect ────▶ waiting ────────────┤ accept (within handshakeMs)
 *   Connector ── accept ─────────────────────────▶ paired: client ⇄ connector, until either leaves
 */
import { type ErrorCode, isErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import type { ConnectorHash } from '#schema/ids.ts';
import type { Acceptance, Connection, Registration } from './handshake.ts';
import type { ExpiringSet } from './once.ts';
import { type SavedSeat, type Seat, seatOf, takeSeat } from './seat.ts';
import { Voided } from './voided.ts';
import { fromConnector, type OnPair, onPair, type relayLimits, type ToConnector } from './wire.ts';

export type SwitchLimits = Omit<
  { [K in keyof typeof relayLimits]: number },
  'messageBytes' | 'unacknowledgedInAll' | 'linkPingMs'
> & {
  /** Connectors with a link or a session, in all. */
  connectors: number;
  /** Waiting and paired sessions, in all. */
  sessions: number;
  /** Bytes that all receivers together were sent and have been asked about, but have not acknowledged. */
  unacknowledgedInAll?: number;
};

/** `close` with null is a plain end. A waiting Client is closed by answering its request with the problem. */
export type Command<H> =
  | { type: 'tell'; seat: Seat<H>; message: ToConnector | OnPair }
  | { type: 'close'; seat: Seat<H>; code: ErrorCode | null };

interface Place<H> {
  link: Seat<H> | null;
  /** Waiting and paired sessions, by number. */
  sessions: Map<number, Session<H>>;
}
interface Session<H> {
  number: number;
  /** Spent, hence null, once accepted. */
  secret: string | null;
  client: Seat<H>;
  connector: Seat<H> | null;
}

/** How long a revocation is remembered: nothing issued before it lives longer (registration, 1 hour). */
const revokedForMs = 3_700_000;

export class Switch<H> {
  /** Set while `takeCommands` has something; so that a host need not ask after each frame. */
  hasCommands = false;
  readonly #limits: SwitchLimits;
  /** Whether receivers are asked to acknowledge: for a host that has no backpressure of its own. */
  readonly #marks: boolean;
  readonly #revoked: ExpiringSet;
  readonly #places = new Map<ConnectorHash, Place<H>>();
  /** Waiting sessions, the oldest first. */
  readonly #waiting = new Map<number, Session<H>>();
  readonly #changed = new Set<Seat<H>>();
  #commands: Command<H>[] = [];
  #sessions = 0;
  #unacknowledged = 0;
  #nextSession = 1;
  #draining = false;
  /** How more revocations than can be remembered still hold. */
  readonly #voided = new Voided();

  constructor(o: { limits: SwitchLimits; marks: boolean; revoked: ExpiringSet }) {
    this.#limits = o.limits;
    this.#marks = o.marks;
    this.#revoked = o.revoked;
  }

  get counts(): { connectors: number; sessions: number; waiting: number } {
    return { connectors: this.#places.size, sessions: this.#sessions, waiting: this.#waiting.size };
  }

  /** Seats a Connector's standing link. An older one of the same Connector is closed; waiting Clients are announced anew. */
  register(who: Registration, handle: H, nowMs: number): Verdict<{ seat: Seat<H> }> {
    if (this.#draining) return refuse('draining');
    if (this.#isRevoked(who, nowMs)) return refuse('revoked');
    const place = this.#places.get(who.hash) ?? { link: null, sessions: new Map() };
    if (!this.#places.has(who.hash) && this.#places.size >= this.#limits.connectors) {
      return refuse('limit_reached');
    }
    this.#places.set(who.hash, place);
    const { hash, jkt } = who;
    const seat = takeSeat({ kind: 'link' as const, hash, jkt, session: 0, handle }, nowMs);
    const older = place.link;
    place.link = seat;
    if (older !== null) this.#close(older, 'replaced');
    this.#changed.add(seat);
    this.#tell(seat, { type: 'registered', hash });
    for (const session of place.sessions.values()) this.#announce(session, seat);
    return { ok: true, seat };
  }

  /** Lets a Client wait for its Connector. @param secret of the host's randomness, at least 16 bytes, base64url. */
  connect(who: Connection, secret: string, handle: H, nowMs: number): Verdict<{ seat: Seat<H> }> {
    if (this.#draining) return refuse('draining');
    if (this.#isRevoked(who, nowMs)) return refuse('revoked');
    this.#dropSilent(who.hash, nowMs);
    const place = this.#places.get(who.hash);
    if (place === undefined || place.link === null) return refuse('connector_offline');
    if (place.sessions.size >= this.#limits.sessionsPerConnector || this.#sessions >= this.#limits.sessions) {
      return refuse('limit_reached');
    }
    const { hash, jkt } = who;
    const number = this.#nextSession++;
    const client = takeSeat({ kind: 'client' as const, hash, jkt, session: number, handle }, nowMs);
    const session = { number, secret, client, connector: null };
    place.sessions.set(number, session);
    this.#waiting.set(number, session);
    this.#sessions++;
    this.#announce(session, place.link);
    return { ok: true, seat: client };
  }

  /** Pairs. A session that is unknown, given up or already accepted is `peer_gone`, whichever it is. */
  accept(who: Acceptance, handle: H, nowMs: number): Verdict<{ client: Seat<H>; connector: Seat<H> }> {
    const session = this.#waitingSession(who.hash, who.session);
    if (session === null) return refuse('peer_gone');
    const { number, client } = session;
    // Whoever holds the secret has it from the link: the same key stands behind both, and it is alive.
    const link = this.#places.get(who.hash)?.link;
    const jkt = link?.jkt ?? '';
    if (link) link.heardMs = nowMs;
    const { hash } = client;
    const connector = takeSeat({ kind: 'connector' as const, hash, jkt, session: number, handle }, nowMs);
    this.#waiting.delete(number);
    session.secret = null;
    session.connector = connector;
    client.peer = connector;
    connector.peer = client;
    this.#changed.add(client).add(connector);
    return { ok: true, client, connector };
  }

  /** @returns the seat to send these bytes to; null: drop them, the sender's end is coming. */
  route(seat: Seat<H>, bytes: number): Seat<H> | null {
    const { peer } = seat;
    if (peer === null) return null;
    peer.forwarded += bytes;
    return this.#marks ? this.#bounded(peer) : peer;
  }

  /** What an end of a session may send in all, as of now. */
  roomOf(seat: Seat<H>): OnPair {
    return { type: 'room', n: (seat.peer?.seen ?? 0) + this.#limits.roomBytes };
  }

  /** Text that came from a seat. Types that are not known are from a newer peer, and skipped. */
  hear(seat: Seat<H>, text: string, nowMs: number): void {
    if (seat.gone) return;
    seat.heardMs = nowMs;
    const value = text.length > this.#limits.textBytes ? undefined : parse(text);
    if (value === undefined) {
      this.#close(seat, 'protocol_error');
    } else if (seat.kind === 'link') {
      const message = fromConnector.safeParse(value);
      if (message.success) this.#decline(seat, message.data.session, message.data.code);
    } else {
      const message = onPair.safeParse(value);
      if (message.success && message.data.type === 'seen') this.#acknowledge(seat, message.data.n);
    }
  }

  /** The socket under a seat is gone, or must go. @param code null for a plain end. */
  leave(seat: Seat<H>, code: ErrorCode | null): void {
    if (seat.gone) return;
    this.#changed.delete(seat);
    this.#unacknowledged -= seat.marked - seat.seen;
    seat.gone = true;
    if (seat.kind === 'link') this.#endLink(seat);
    else this.#endSession(seat, code);
  }

  /** Closes what has waited or been silent for too long. To be called about every second. */
  expire(nowMs: number): void {
    for (const { client } of this.#waiting.values()) {
      if (nowMs - client.sinceMs < this.#limits.handshakeMs) break;
      this.#close(client, 'connector_unresponsive');
    }
    for (const hash of this.#places.keys()) this.#dropSilent(hash, nowMs);
  }

  /**
   * Cuts whoever is named, and refuses them from now on.
   * @param names thumbprints and Connector hashes. @returns how many sessions and links were cut.
   */
  revoke(names: Iterable<string>, nowMs: number): { sessions: number; links: number } {
    const named = new Set(names);
    for (const id of named) {
      if (!this.#revoked.add({ id, untilMs: nowMs + revokedForMs }, nowMs)) this.#voided.add(id, nowMs);
    }
    const before = this.#sessions;
    let links = 0;
    for (const seat of this.seats()) {
      if (seat.gone || !(named.has(seat.jkt) || named.has(seat.hash))) continue;
      if (seat.kind === 'link') links++;
      this.#close(seat, 'revoked');
    }
    return { sessions: before - this.#sessions, links };
  }

  /** Refuses whoever is new and tells the others when to come back. What waits or is paired goes on. */
  drain(reconnectInMs: number, tryForMs: number): void {
    this.#draining = true;
    for (const seat of this.seats()) {
      if (seat.kind !== 'link' && seat.peer === null) continue;
      this.#tell(seat, { type: 'restarting', reconnect_in_ms: reconnectInMs, try_for_ms: tryForMs });
    }
  }

  closeAll(code: ErrorCode): void {
    for (const seat of this.seats()) this.#close(seat, code);
  }

  takeCommands(): Command<H>[] {
    const commands = this.#commands;
    this.#commands = [];
    this.hasCommands = false;
    return commands;
  }

  /** Seats whose saved form is out of date since the last call. */
  takeChanged(): Seat<H>[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** Seats everybody again after the host has slept. An end whose other end is missing is closed. */
  restore(saved: Iterable<{ seat: SavedSeat; handle: H }>): Seat<H>[] {
    const seats = [...saved].map(({ seat, handle }) => seatOf(seat, handle));
    for (const seat of seats) {
      this.#unacknowledged += seat.marked - seat.seen;
      const place = this.#places.get(seat.hash) ?? { link: null, sessions: new Map() };
      this.#places.set(seat.hash, place);
      this.#nextSession = Math.max(this.#nextSession, seat.session + 1);
      if (seat.kind === 'link') place.link = seat;
      else if (seat.kind === 'client') {
        const session = { number: seat.session, secret: null, client: seat, connector: null };
        place.sessions.set(seat.session, session);
        this.#sessions++;
      }
    }
    for (const seat of seats) if (seat.kind === 'connector') this.#rejoin(seat);
    for (const seat of seats)
      if (seat.kind === 'client' && seat.peer === null) this.#close(seat, 'peer_gone');
    return seats;
  }

  /** All who sit or wait here now. */
  seats(): Seat<H>[] {
    const all: Seat<H>[] = [];
    for (const { link, sessions } of this.#places.values()) {
      if (link !== null) all.push(link);
      for (const { client, connector } of sessions.values()) {
        all.push(client);
        if (connector !== null) all.push(connector);
      }
    }
    return all;
  }

  #rejoin(seat: Seat<H>): void {
    const session = this.#places.get(seat.hash)?.sessions.get(seat.session);
    if (session === undefined || session.connector !== null) {
      this.#close(seat, 'peer_gone');
    } else {
      session.connector = seat;
      seat.peer = session.client;
      session.client.peer = seat;
    }
  }

  /** The mark goes out behind the bytes that made it due. */
  #bounded(peer: Seat<H>): Seat<H> | null {
    if (peer.forwarded - peer.seen > this.#limits.unacknowledgedBytes) {
      this.#close(peer, 'limit_reached');
      return null;
    }
    if (peer.forwarded - peer.marked >= this.#limits.markEvery) this.#mark(peer);
    return peer.gone ? null : peer;
  }

  #mark(peer: Seat<H>): void {
    this.#unacknowledged += peer.forwarded - peer.marked;
    peer.marked = peer.forwarded;
    this.#changed.add(peer);
    this.#tell(peer, { type: 'mark', n: peer.forwarded });
    if (this.#unacknowledged <= (this.#limits.unacknowledgedInAll ?? Number.POSITIVE_INFINITY)) return;
    // Whoever is furthest behind makes room for the others.
    const behind = this.seats().reduce((a, b) => (b.marked - b.seen > a.marked - a.seen ? b : a), peer);
    this.#close(behind, 'limit_reached');
  }

  #acknowledge(seat: Seat<H>, n: number): void {
    if (n > seat.marked) {
      this.#close(seat, 'protocol_error');
    } else if (n > seat.seen) {
      this.#unacknowledged -= n - seat.seen;
      seat.seen = n;
      this.#changed.add(seat);
      if (seat.peer) this.#tell(seat.peer, this.roomOf(seat.peer));
    }
  }

  #decline(link: Seat<H>, session: string, code: string): void {
    const waiting = this.#waitingSession(link.hash, session);
    if (waiting !== null) this.#close(waiting.client, isErrorCode(code) ? code : 'unknown_error');
  }

  #announce({ number, secret }: Session<H>, link: Seat<H>): void {
    if (secret !== null) this.#tell(link, { type: 'incoming', session: `${number}.${secret}` });
  }

  /** The number finds the session, the secret is compared. */
  #waitingSession(hash: ConnectorHash, text: string): Session<H> | null {
    const dot = text.indexOf('.');
    const session = this.#waiting.get(Number(text.slice(0, dot)));
    if (session === undefined || session.client.hash !== hash || session.secret === null) return null;
    return sameSecret(session.secret, text.slice(dot + 1)) ? session : null;
  }

  #isRevoked({ hash, jkt, issuedMs }: Registration | Connection, nowMs: number): boolean {
    return [jkt, hash].some((name) => this.#revoked.has(name, nowMs) || this.#voided.has(name, issuedMs));
  }

  #dropSilent(hash: ConnectorHash, nowMs: number): void {
    const link = this.#places.get(hash)?.link ?? null;
    if (link !== null && nowMs - link.heardMs > this.#limits.linkSilenceMs) this.#close(link, 'idle_timeout');
  }

  /** Closes a seat and, if it is one of two, the other with it, for the same reason. */
  #close(seat: Seat<H>, code: ErrorCode | null): void {
    if (seat.gone) return;
    this.#push({ type: 'close', seat, code });
    this.leave(seat, code);
  }

  /** Paired sessions go on without the link; those that wait have nobody to wait for. */
  #endLink(seat: Seat<H>): void {
    const place = this.#places.get(seat.hash);
    if (place?.link !== seat) return;
    place.link = null;
    for (const { secret, client } of place.sessions.values()) {
      if (secret !== null) this.#close(client, 'connector_offline');
    }
    this.#tidy(seat.hash);
  }

  #endSession(seat: Seat<H>, code: ErrorCode | null): void {
    const { hash, session: number, peer } = seat;
    if (this.#places.get(hash)?.sessions.delete(number)) this.#sessions--;
    this.#waiting.delete(number);
    this.#tidy(hash);
    if (peer === null) return;
    seat.peer = null;
    this.#close(peer, code);
  }

  #tidy(hash: ConnectorHash): void {
    const place = this.#places.get(hash);
    if (place?.link === null && place.sessions.size === 0) this.#places.delete(hash);
  }

  #tell(seat: Seat<H>, message: ToConnector | OnPair): void {
    this.#push({ type: 'tell', seat, message });
  }

  #push(command: Command<H>): void {
    this.#commands.push(command);
    this.hasCommands = true;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In a time that does not depend on where they differ. */
function sameSecret(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
