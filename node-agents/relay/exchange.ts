/**
 * Hosts the switch (`schema/relay/switch.ts`) in this process: the doors in, lines out. Each method is what
 * happens behind one door once `schema/relay/handshake.ts` has let somebody through; from `pair` on, bytes
 * go from line to line. Before it stands `http.ts`; orders of the Controller come from `control.ts`.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FromControllerOf } from '#schema/control/messages.ts';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import type { Acceptance, Admission, Connection, Registration } from '#schema/relay/handshake.ts';
import { ExpiringSet, useOnce } from '#schema/relay/once.ts';
import type { Seat } from '#schema/relay/seat.ts';
import { Switch, type SwitchLimits } from '#schema/relay/switch.ts';
import { linkPing, linkPong, relayLimits } from '#schema/relay/wire.ts';
import type { Log } from '../process/log.ts';
import { nonce, type Random } from '../process/random.ts';
import type { Line, LineEvents } from './line.ts';
import { RawLine } from './raw.ts';
import { Waiting } from './waiting.ts';
import { upgrade, WebSocketLine } from './websocket.ts';

export interface ExchangeOptions {
  /** Lower or higher bounds than `relayLimits`. */
  limits?: Partial<SwitchLimits>;
  /** Milliseconds since the epoch, by the Controller's clock. */
  now: () => number;
  random: Random;
  log: Log;
}

/** An upgrade request whose sender has been let through. */
export interface Arrival {
  request: IncomingMessage;
  waiting: Waiting;
  admission: Admission;
}

/** What is here now, and what was in all. */
export interface Counts {
  connectors: number;
  sessions: number;
  waiting: number;
  bytes: number;
  registered: number;
  paired: number;
  revoked: number;
}

/** Here TCP itself slows a sender down, so that nothing needs to be acknowledged. */
const defaults: SwitchLimits = { ...relayLimits, connectors: 20_000, sessions: 50_000 };
/** Ids remembered against replay: 65 seconds of over 4,000 new connections each. */
const usedIds = 300_000;
/** Of these, for the registrations of one Connector. */
const usedPerConnector = 500;
const revokedNames = 100_000;

export class Exchange {
  readonly #o: ExchangeOptions;
  readonly #switch: Switch<Line>;
  readonly #used = new ExpiringSet(usedIds, usedPerConnector);
  readonly #requests = new WeakMap<Waiting, Arrival>();
  readonly #timer: NodeJS.Timeout;
  readonly #totals = { bytes: 0, registered: 0, paired: 0, revoked: 0 };

  constructor(o: ExchangeOptions) {
    this.#o = o;
    const limits = { ...defaults, ...o.limits };
    this.#switch = new Switch({ limits, marks: false, revoked: new ExpiringSet(revokedNames) });
    const every = Math.min(1_000, limits.handshakeMs / 4);
    this.#timer = setInterval(() => this.#do(() => this.#switch.expire(o.now())), every).unref();
  }

  get counts(): Counts {
    return { ...this.#switch.counts, ...this.#totals };
  }

  /** Lets somebody in through their door, or says why not; then nothing has been answered yet. */
  admit(arrival: Arrival): Verdict<object> {
    const { admission } = arrival;
    switch (admission.door) {
      case 'register':
        return this.#do(() => this.#register(arrival, admission));
      case 'connect':
        return this.#do(() => this.#connect(arrival, admission));
      case 'accept':
        return this.#do(() => this.#accept(arrival, admission));
    }
  }

  /** @returns what the receipt says. */
  revoke(order: Pick<FromControllerOf<'revoke'>, 'jkts' | 'connectors'>): {
    sessions: number;
    links: number;
  } {
    const cut = this.#do(() => this.#switch.revoke([...order.jkts, ...order.connectors], this.#o.now()));
    this.#totals.revoked += cut.sessions;
    return cut;
  }

  drain(reconnectInMs: number, tryForMs: number): void {
    this.#do(() => this.#switch.drain(reconnectInMs, tryForMs));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#do(() => this.#switch.closeAll('draining'));
  }

  #register({ request, waiting }: Arrival, who: Registration): Verdict<object> {
    const now = this.#o.now();
    const used = useOnce(this.#used, who.uses, now);
    if (!used.ok) return used;
    const seated = this.#switch.register(who, waiting, now);
    if (!seated.ok) return seated;
    const early = waiting.release();
    const webSocket = early && upgrade('link', request, waiting.socket, early);
    if (webSocket === null) {
      this.#switch.leave(seated.seat, 'peer_gone');
      return { ok: true };
    }
    this.#totals.registered++;
    const { seat } = seated;
    const line = new WebSocketLine(webSocket, {
      ...this.#events(seat),
      bytes: () => {
        this.#do(() => this.#switch.leave(seat, 'protocol_error'));
        line.close('protocol_error');
        return true;
      },
    });
    seat.handle = line;
    this.#o.log.info('connector_registered', { connector: who.hash });
    return { ok: true };
  }

  #connect(arrival: Arrival, who: Connection): Verdict<object> {
    const now = this.#o.now();
    const used = useOnce(this.#used, who.uses, now);
    if (!used.ok) return used;
    const { waiting } = arrival;
    const seated = this.#switch.connect(who, nonce(this.#o.random), waiting, now);
    if (!seated.ok) return seated;
    this.#requests.set(waiting, arrival);
    waiting.onGone = () => this.#do(() => this.#switch.leave(seated.seat, 'cancelled'));
    return { ok: true };
  }

  #accept(arrival: Arrival, who: Acceptance): Verdict<object> {
    const paired = this.#switch.accept(who, arrival.waiting, this.#o.now());
    if (!paired.ok) return paired;
    const { client, connector } = paired;
    const behind = this.#requests.get(client.handle as Waiting);
    const starts = behind && [this.#open(connector, arrival), this.#open(client, behind)];
    if (!starts?.every((start) => start !== null)) {
      // One of the two has gone meanwhile; leaving in its name closes the other.
      this.#switch.leave(starts?.[0] ? client : connector, 'peer_gone');
      return starts?.[0] ? { ok: true } : refuse('peer_gone');
    }
    this.#totals.paired++;
    for (const start of starts) start?.();
    this.#o.log.debug('session_paired', { connector: who.hash, session: client.session });
    return { ok: true };
  }

  /** Answers 101 and puts the line in the seat. @returns what lets its bytes flow; null when it is gone. */
  #open(seat: Seat<Line>, { request, waiting, admission }: Arrival): (() => void) | null {
    const events = this.#events(seat);
    if (admission.carrier === 'raw') {
      const early = waiting.upgradeRaw();
      if (early === null) return null;
      const line = new RawLine(waiting.socket as Socket, events);
      seat.handle = line;
      return () => line.start(early);
    }
    const early = waiting.release();
    const webSocket = early && upgrade('pair', request, waiting.socket, early);
    if (webSocket === null) return null;
    seat.handle = new WebSocketLine(webSocket, events);
    return () => {};
  }

  #events(seat: Seat<Line>): LineEvents {
    return {
      bytes: (bytes) => {
        const peer = this.#switch.route(seat, bytes.length);
        return peer === null || peer.handle.send(bytes);
      },
      text: (text) => {
        if (text === linkPing) {
          seat.heardMs = this.#o.now();
          seat.handle.tell(linkPong);
        } else this.#do(() => this.#switch.hear(seat, text, this.#o.now()));
      },
      ended: () => seat.peer?.handle.finish(),
      ready: () => seat.peer?.handle.resume(),
      closed: (code) => {
        this.#totals.bytes += seat.forwarded;
        if (seat.kind === 'link') this.#o.log.info('connector_left', { connector: seat.hash, code });
        this.#do(() => this.#switch.leave(seat, code));
      },
    };
  }

  /** Does something with the switch, then what the switch wants done. */
  #do<T>(work: () => T): T {
    const result = work();
    while (this.#switch.hasCommands) {
      for (const command of this.#switch.takeCommands()) {
        const { handle } = command.seat;
        if (command.type === 'tell') handle.tell(JSON.stringify(command.message));
        else this.#close(handle, command.code);
      }
    }
    return result;
  }

  #close(line: Line, code: ErrorCode | null): void {
    if (line instanceof Waiting && code !== null) this.#o.log.debug('session_refused', { code });
    line.close(code);
  }
}
