/**
 * The edge relay: one object per Connector, named by its hash, hosting the same switch as the Node relay
 * (`schema/relay/switch.ts`). Its WebSockets hibernate: who sits where lies in their attachments, what was
 * used or revoked in its storage, and the keep-alive of links is answered without waking it. An object has
 * no backpressure of its own, so that receivers are asked to acknowledge (`mark`) and senders told how far
 * they may go (`room`): it holds at most `unacknowledgedInAll`, whoever stops reading. Before it: `door.ts`.
 */
import { DurableObject } from 'cloudflare:workers';
import { codeOf, type ErrorCode, type Verdict, wireOf } from '#schema/errors.ts';
import type { Acceptance, Connection, Registration } from '#schema/relay/handshake.ts';
import { useOnce } from '#schema/relay/once.ts';
import { type SavedSeat, type Seat, save } from '#schema/relay/seat.ts';
import { Switch, type SwitchLimits } from '#schema/relay/switch.ts';
import {
  closeCodeOf,
  linkPing,
  linkPong,
  type OnPair,
  relayLimits,
  relayProtocol,
} from '#schema/relay/wire.ts';
import { admissionOf, problemResponse } from './door.ts';
import { StoredSet } from './stored-set.ts';

/** What the host lends to an object. */
export interface RelayHost {
  /** Milliseconds since the epoch. */
  clock(): number;
  random(length: number): Uint8Array<ArrayBuffer>;
  limits?: Partial<SwitchLimits>;
}

/** A Client whose request has not been answered yet. */
class Waiting {
  readonly outcome: Promise<ErrorCode | null>;
  settle!: (code: ErrorCode | null) => void;
  constructor() {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
  }
}

/** An object has 128 MB for everything. */
const defaults: SwitchLimits = {
  ...relayLimits,
  connectors: 1,
  sessions: relayLimits.sessionsPerConnector,
};
const usedIds = 20_000;
const revokedNames = 5_000;

export class RelayObject extends DurableObject<unknown> {
  readonly #host: RelayHost;
  readonly #limits: SwitchLimits;
  readonly #used: StoredSet;
  readonly #switch: Switch<WebSocket | Waiting>;
  readonly #seats = new Map<WebSocket, Seat<WebSocket | Waiting>>();

  constructor(state: DurableObjectState, bindings: unknown, host: RelayHost) {
    super(state, bindings);
    this.#host = host;
    this.#limits = { ...defaults, ...host.limits };
    const { sql } = state.storage;
    this.#used = new StoredSet(sql, 'used', usedIds, host.clock());
    const revoked = new StoredSet(sql, 'revoked', revokedNames, host.clock());
    this.#switch = new Switch({ limits: this.#limits, marks: true, revoked });
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(linkPing, linkPong));
    const saved = state.getWebSockets().flatMap((handle) => {
      const seat = handle.deserializeAttachment() as SavedSeat | null;
      return seat === null ? [] : [{ seat, handle }];
    });
    for (const seat of this.#switch.restore(saved)) this.#seats.set(seat.handle as WebSocket, seat);
    this.#settle();
  }

  /** An upgrade that `relayFetch` has verified. */
  override async fetch(request: Request): Promise<Response> {
    const admission = admissionOf(request);
    switch (admission.door) {
      case 'register':
        return this.#register(admission);
      case 'connect':
        return this.#connect(admission);
      case 'accept':
        return this.#accept(admission);
    }
  }

  /** Cuts whoever is named: thumbprints of keys, Connector hashes. */
  revoke(order: { jkts: string[]; connectors: string[] }): { sessions: number; links: number } {
    return this.#do(() => this.#switch.revoke([...order.jkts, ...order.connectors], this.#host.clock()));
  }

  /** Tells everybody to come back later and lets nobody new in, for as long as this object lives. */
  drain(reconnectInMs: number, tryForMs: number): void {
    this.#do(() => this.#switch.drain(reconnectInMs, tryForMs));
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    const seat = this.#seats.get(socket);
    if (seat === undefined) return;
    if (typeof data === 'string') {
      this.#do(() => this.#switch.hear(seat, data, this.#host.clock()));
      return;
    }
    if (seat.kind === 'link') return this.#expel(socket, seat, 'protocol_error', closeCode('protocol_error'));
    if (data.byteLength > relayLimits.messageBytes) return this.#expel(socket, seat, 'frame_too_large', 1009);
    const peer = this.#switch.route(seat, data.byteLength);
    if (peer?.handle instanceof WebSocket) sendTo(peer.handle, data);
    if (this.#switch.hasCommands) this.#settle();
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    const plain = code === 1000 || code === 1001 || code === 1005;
    const why = code > 4000 && code < 4256 ? codeOf(code - 4000) : 'peer_gone';
    this.#leave(socket, plain ? null : why);
    closeSocket(socket, plain ? 1000 : code);
  }

  override webSocketError(socket: WebSocket): void {
    this.#leave(socket, 'peer_gone');
  }

  #register(who: Registration): Response {
    const now = this.#host.clock();
    const { theirs, ours } = newPair();
    const seated = this.#do(() => {
      const used = useOnce(this.#used, who.uses, now);
      if (!used.ok) return used;
      const verdict = this.#switch.register(who, ours, now);
      if (verdict.ok) this.#sit(verdict.seat, ours);
      return verdict;
    });
    return seated.ok ? upgraded(theirs) : problemResponse(seated.code, now);
  }

  /** Answers only when the Connector has accepted; while a request waits the object stays awake. */
  async #connect(who: Connection): Promise<Response> {
    const now = this.#host.clock();
    this.#hearLink();
    const waiting = new Waiting();
    const seated: Verdict<{ seat: Seat<WebSocket | Waiting> }> = this.#do(() => {
      const used = useOnce(this.#used, who.uses, now);
      return used.ok ? this.#switch.connect(who, this.#secret(), waiting, now) : used;
    });
    if (!seated.ok) return problemResponse(seated.code, now);
    const timer = setTimeout(
      () => this.#do(() => this.#switch.expire(this.#host.clock())),
      this.#limits.handshakeMs + 10,
    );
    const refusal = await waiting.outcome;
    clearTimeout(timer);
    if (refusal !== null) return problemResponse(refusal, this.#host.clock());
    const { theirs, ours } = newPair();
    this.#sit(seated.seat, ours);
    return upgraded(theirs);
  }

  #accept(who: Acceptance): Response {
    const now = this.#host.clock();
    const { theirs, ours } = newPair();
    const paired = this.#do(() => this.#switch.accept(who, ours, now));
    if (!paired.ok) return problemResponse(paired.code, now);
    const { client, connector } = paired;
    this.#sit(connector, ours);
    (client.handle as Waiting).settle(null);
    // A Client that gave up meanwhile never takes its seat.
    setTimeout(() => {
      if (client.handle instanceof Waiting) this.#do(() => this.#switch.leave(client, 'peer_gone'));
    }, this.#limits.handshakeMs);
    return upgraded(theirs);
  }

  #sit(seat: Seat<WebSocket | Waiting>, socket: WebSocket): void {
    this.ctx.acceptWebSocket(socket);
    if (seat.gone) return closeSocket(socket, closeCode('peer_gone'));
    seat.handle = socket;
    this.#seats.set(socket, seat);
    socket.serializeAttachment(save(seat));
    // workerd closes a hibernatable WebSocket promptly only if it has received something on it before;
    // otherwise the connection lingers until the object sleeps. So each end is made to say a word.
    if (seat.kind === 'link') return;
    sendTo(socket, JSON.stringify({ type: 'mark', n: 0 } satisfies OnPair));
    sendTo(socket, JSON.stringify(this.#switch.roomOf(seat)));
  }

  #expel(socket: WebSocket, seat: Seat<WebSocket | Waiting>, code: ErrorCode, closeCode: number): void {
    this.#seats.delete(socket);
    this.#do(() => this.#switch.leave(seat, code));
    closeSocket(socket, closeCode);
  }

  #leave(socket: WebSocket, code: ErrorCode | null): void {
    const seat = this.#seats.get(socket);
    this.#seats.delete(socket);
    if (seat !== undefined) this.#do(() => this.#switch.leave(seat, code));
  }

  /** Pings are answered while the object sleeps; when, only the socket knows. */
  #hearLink(): void {
    for (const [socket, seat] of this.#seats) {
      if (seat.kind !== 'link') continue;
      const at = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      seat.heardMs = Math.max(seat.heardMs, at);
    }
  }

  /** Does something with the switch, then what the switch wants done. */
  #do<T>(work: () => T): T {
    const result = work();
    this.#settle();
    return result;
  }

  #settle(): void {
    while (this.#switch.hasCommands) {
      for (const command of this.#switch.takeCommands()) {
        const { handle } = command.seat;
        if (command.type === 'close') this.#close(handle, command.code);
        else if (handle instanceof WebSocket) sendTo(handle, JSON.stringify(command.message));
      }
    }
    for (const seat of this.#switch.takeChanged()) {
      if (seat.handle instanceof WebSocket && this.#seats.has(seat.handle)) {
        seat.handle.serializeAttachment(save(seat));
      }
    }
  }

  #close(handle: WebSocket | Waiting, code: ErrorCode | null): void {
    if (handle instanceof Waiting) {
      handle.settle(code ?? 'peer_gone');
    } else {
      this.#seats.delete(handle);
      closeSocket(handle, code === null ? 1000 : closeCode(code), code ?? undefined);
    }
  }

  #secret(): string {
    const text = btoa(String.fromCharCode(...this.#host.random(24)));
    return text.replaceAll('+', '-').replaceAll('/', '_');
  }
}

const closeCode = (code: ErrorCode): number => closeCodeOf(wireOf(code));

function newPair(): { theirs: WebSocket; ours: WebSocket } {
  const { 0: theirs, 1: ours } = new WebSocketPair();
  return { theirs, ours };
}

function upgraded(webSocket: WebSocket): Response {
  const headers = { 'sec-websocket-protocol': relayProtocol };
  return new Response(null, { status: 101, webSocket, headers });
}

/** A socket that is already closing throws; then there is nothing left to say. */
function sendTo(socket: WebSocket, data: string | ArrayBuffer): void {
  try {
    socket.send(data);
  } catch {}
}

function closeSocket(socket: WebSocket, code: number, reason?: string): void {
  try {
    socket.close(code, reason);
  } catch {}
}
