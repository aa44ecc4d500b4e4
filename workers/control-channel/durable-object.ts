/**
 * Holds the control channels of one share of a Tenant's agents, or those of all relays. Its WebSockets
 * hibernate: an idle agent's pings are answered without waking the object, and whatever it must remember lies
 * in attachments (`seat.ts`) and in its storage. `channels.ts` is how the Controller reaches it; `receive.ts`
 * does what agents ask, `update.ts` tells them what changed.
 */

import { DurableObject } from 'cloudflare:workers';
import { fromAgent } from '#schema/control/from-agent.ts';
import {
  controlClose,
  controlProtocol,
  type FromAgent,
  type FromControllerOf,
  messageLimit,
  type ProbeHop,
  pingInterval,
  pongTimeout,
  type RelayEntry,
} from '#schema/control/messages.ts';
import { type ErrorCode, errors, type Verdict } from '#schema/errors.ts';
import { type Id, isId } from '#schema/ids.ts';
import { OfferDesk } from '#schema/path/desk.ts';
import { describeFault } from '#workers/controller/describe-fault.ts';
import type { Ports, Presence, RevocationReceipt, VerifiedAgent } from '#workers/controller/ports.ts';
import type { Bindings } from '#workers/hosts/bindings.ts';
import { portsOf } from '#workers/hosts/cloudflare-ports.ts';
import { ClientEvents } from './client-events.ts';
import { LedgerStore } from './ledger-store.ts';
import { passOffer } from './offers.ts';
import { PresenceBook } from './presence.ts';
import { Probes } from './probes.ts';
import { Receipts } from './receipts.ts';
import { listRelays, type ReceiveContext, receive, refuseDeadRelay } from './receive.ts';
import { agentHeader, closeSeat, isOpen, refuseSeat, type Seat, seatOf, tell } from './seat.ts';
import { Turns } from './turns.ts';
import { Updates } from './update.ts';

/** Channels of one object (design: 2,000), and messages of one agent that are being worked on. */
const socketLimit = 2_000;
const busyLimit = 32;
/** An agent that has not pinged for so long is gone, whatever its socket says; milliseconds. */
const silenceMs = (3 * pingInterval + pongTimeout) * 1000;

export class ControlChannel extends DurableObject<Bindings> {
  readonly #busy = new WeakMap<WebSocket, number>();
  #working: Promise<ReceiveContext> | undefined;

  constructor(state: DurableObjectState, bindings: Bindings) {
    super(state, bindings);
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** The upgrade of an agent that `Channels.open` passes on. */
  override async fetch(request: Request): Promise<Response> {
    const agent = JSON.parse(request.headers.get(agentHeader)!) as VerifiedAgent;
    if (agent.role !== 'relay') this.ctx.storage.kv.put('tenant', agent.tenant);
    const working = await this.#work();
    this.#reap(working);
    if (this.ctx.getWebSockets().length >= socketLimit) return refusal('limit_reached');
    for (const older of this.ctx.getWebSockets(agent.id)) {
      closeSeat(older, controlClose.replaced, 'replaced by a newer channel of this agent');
    }
    const { 0: theirs, 1: ours } = new WebSocketPair();
    const seat: Seat = { agent, since: working.ports.clock(), greeted: false };
    this.ctx.acceptWebSocket(ours, [agent.id, agent.role]);
    ours.serializeAttachment(seat);
    const headers = { 'Sec-WebSocket-Protocol': controlProtocol };
    return new Response(null, { status: 101, webSocket: theirs, headers });
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const message = parse(data);
    if (message === 'too_large') return closeSeat(socket, controlClose.tooLarge, 'message too large');
    if (!message) return closeSeat(socket, controlClose.protocol, 'not a message of this protocol');
    const busy = this.#busy.get(socket) ?? 0;
    if (busy >= busyLimit) return closeSeat(socket, controlClose.protocol, 'too many messages at once');
    this.#busy.set(socket, busy + 1);
    const working = await this.#work();
    try {
      await receive(working, socket, message);
    } catch (error) {
      const { agent } = seatOf(socket);
      const fields = { agent: agent.id, message: message.type, error: describeFault(error) };
      working.ports.log('error', 'control_message_failed', fields);
      closeSeat(socket, controlClose.restarting, 'failed here; come back');
    } finally {
      this.#busy.set(socket, (this.#busy.get(socket) ?? 1) - 1);
    }
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    closeSeat(socket, code === 1005 || code === 1006 ? 1000 : code, '');
    const { presence, receipts } = await this.#work();
    receipts.gone(socket);
    const { agent } = seatOf(socket);
    const another = this.ctx.getWebSockets(agent.id).some((one) => one !== socket && isOpen(one));
    if (!another) await presence.closed(agent);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket, 1006);
  }

  /** A grant or key has run out. */
  override async alarm(): Promise<void> {
    const { updates } = await this.#work();
    await updates.update(this.ctx.getWebSockets('client'), 'push');
  }

  /** Something that an ACL shows has changed. */
  async refresh(role: 'client' | 'connector'): Promise<void> {
    const sockets = this.ctx.getWebSockets(role);
    if (sockets.length === 0) return;
    const { updates } = await this.#work();
    await updates.update(sockets, 'push');
  }

  /** Orders the Connectors or relays of this object to cut. @returns their receipts. */
  async cut(order: FromControllerOf<'revoke'>, timeoutMs: number): Promise<RevocationReceipt['agents']> {
    const working = await this.#work();
    this.#reap(working);
    const { receipts } = working;
    const cutters = [...this.ctx.getWebSockets('connector'), ...this.ctx.getWebSockets('relay')];
    const given = await receipts.order(cutters, order, timeoutMs);
    refuseDead(cutters, order);
    return given;
  }

  /** Ends the channels of the Clients that the order names, and tells the others which Connectors it names. */
  async dismiss(order: FromControllerOf<'revoke'>): Promise<void> {
    refuseDead(this.ctx.getWebSockets('client'), order);
    this.#warnClients(order);
  }

  /** A Connector that does not obey is left by its Clients, also where no relay can cut between them. */
  #warnClients({ connectors, revocation }: FromControllerOf<'revoke'>): void {
    if (connectors.length === 0) return;
    const named = { keys: [], instances: [], principals: [], connectors, jkts: [] };
    for (const socket of this.ctx.getWebSockets('client')) {
      if (seatOf(socket).greeted) tell(socket, { type: 'revoke', revocation, ...named });
    }
  }

  /** A Client of another object, perhaps, wants a direct path to a Connector of this one. */
  async passOffer(
    who: { connector: Id<'connector'>; instance: Id<'instance'> },
    message: FromControllerOf<'offer'>,
  ): Promise<Verdict<object>> {
    return passOffer(await this.#work(), this.ctx.getWebSockets(who.connector), who, message);
  }

  async passAnswer(instance: Id<'instance'>, message: FromControllerOf<'answer'>): Promise<void> {
    for (const socket of this.ctx.getWebSockets(instance)) if (seatOf(socket).greeted) tell(socket, message);
  }

  async probe(
    connector: Id<'connector'>,
    message: FromControllerOf<'probe'>,
    timeoutMs: number,
  ): Promise<Verdict<{ hops: ProbeHop[] }>> {
    const { probes } = await this.#work();
    return probes.ask(this.ctx.getWebSockets(connector), connector, message, timeoutMs);
  }

  async present(): Promise<Presence[]> {
    const working = await this.#work();
    const found = this.ctx.getWebSockets().flatMap((socket) => {
      const { agent, since, acked, greeted } = seatOf(socket);
      if (agent.role === 'relay' || !greeted || !isOpen(socket)) return [];
      const { role, id } = agent;
      return [{ role, id, since, lastSeen: this.#lastSeen(socket), aclVersion: acked ?? null }];
    });
    this.#reap(working);
    // A Connector that is given up just now is told of once more, so that its silence shows at once.
    const oldest = working.ports.clock() - silenceMs;
    return found.filter(({ role, lastSeen }) => role === 'connector' || lastSeen >= oldest);
  }

  async relaysChanged(): Promise<void> {
    const sockets = this.ctx.getWebSockets();
    if (sockets.length === 0) return;
    const { ports } = await this.#work();
    const relays: RelayEntry[] = await listRelays(ports);
    for (const socket of sockets) if (seatOf(socket).greeted) tell(socket, { type: 'relay_list', relays });
    for (const socket of this.ctx.getWebSockets('relay')) await refuseDeadRelay(ports, socket);
    // Where Connectors are met is part of what Clients are told.
    const { updates } = await this.#work();
    await updates.update(this.ctx.getWebSockets('client'), 'push');
  }

  #work(): Promise<ReceiveContext> {
    this.#working ??= this.#begin();
    return this.#working;
  }

  async #begin(): Promise<ReceiveContext> {
    const ports: Ports = await portsOf(this.env);
    const { storage } = this.ctx;
    const ledgers = new LedgerStore(storage);
    const presence = new PresenceBook(storage, ports);
    const here = this.ctx.getWebSockets().filter(isOpen);
    const healed = presence.heal(new Set(here.map((socket) => seatOf(socket).agent.id)));
    this.ctx.waitUntil(
      healed.catch((error) => ports.log('error', 'presence_heal_failed', { error: describeFault(error) })),
    );
    const updates = new Updates({
      ports,
      tenant: () => storage.kv.get<Id<'tenant'>>('tenant')!,
      storage,
      ledgers,
    });
    return {
      ports,
      updates,
      presence,
      receipts: new Receipts(ports.clock),
      probes: new Probes(ports.clock),
      clientEvents: new ClientEvents(ports),
      turns: new Turns(),
      desk: new OfferDesk(),
    };
  }

  #lastSeen(socket: WebSocket): number {
    const pinged = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    return Math.max(pinged, seatOf(socket).since);
  }

  /** Gives up whoever has been silent for too long: their ends of the sockets may never be heard of again. */
  #reap({ ports, presence }: ReceiveContext): void {
    const oldest = ports.clock() - silenceMs;
    for (const socket of this.ctx.getWebSockets().filter(isOpen)) {
      const heard = this.#lastSeen(socket);
      if (heard >= oldest) continue;
      closeSeat(socket, 1001, 'silent for too long');
      const noted = presence.closed(seatOf(socket).agent, heard);
      this.ctx.waitUntil(
        noted.catch((error) => ports.log('error', 'presence_not_noted', { error: describeFault(error) })),
      );
    }
  }
}

function parse(data: string | ArrayBuffer): FromAgent | 'too_large' | undefined {
  if (typeof data !== 'string') return undefined;
  if (data.length > messageLimit) return 'too_large';
  try {
    const parsed = fromAgent.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function refuseDead(sockets: WebSocket[], order: FromControllerOf<'revoke'>): void {
  for (const socket of sockets) {
    const code = deadBy(order, seatOf(socket).agent);
    if (code) refuseSeat(socket, code);
  }
}

/** What an order to cut means to the channel of an agent that it names. */
function deadBy(order: FromControllerOf<'revoke'>, agent: VerifiedAgent): ErrorCode | undefined {
  if (agent.role === 'relay') return undefined;
  if (agent.role === 'connector') {
    return order.connectors.includes(agent.hash) ? 'connector_revoked' : undefined;
  }
  if (order.keys.includes(agent.key)) return isId('userSession', agent.key) ? 'session_ended' : 'key_revoked';
  if (order.principals.includes(agent.principal)) return 'credential_unknown';
  return order.instances.includes(agent.id) ? 'credential_rejected' : undefined;
}

function refusal(code: ErrorCode): Response {
  const { status, title, remedy, retry } = errors[code];
  const body = { type: `urn:sallyport:problem:${code}`, title, status, code, retry, remedy };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
  });
}
