/**
 * TCP off the device: a program's SYN is held while its destination is opened, and what came of it is its
 * answer. Once accepted, the kernel's own TCP ends the flow at a listener on the device, and the socket is
 * joined to the tunnel's flow like any other. Which packet belongs where is for `schema/transparent/flows.ts`.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { resetSocket } from '#node-agents/link/reset-socket.ts';
import { type Injector, openInjector } from '#node-agents/os/raw-socket.ts';
import { isClosedByKernel } from '#node-agents/os/tcp-state.ts';
import { readUrgentInLine } from '#node-agents/os/urgent-data.ts';
import type { Log } from '#node-agents/process/log.ts';
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { formatIp, type Ip, parseIp } from '#schema/name/ip.ts';
import { deviceAddresses, peerAddresses } from '#schema/name/synthetic.ts';
import { ipStart, type PacketView } from '#schema/packet/view.ts';
import type { FlowLimits, TcpFlow } from '#schema/transparent/flow.ts';
import { type FlowSide, FlowTable } from '#schema/transparent/flows.ts';
import { listenTcp } from '../dns/listen-tcp.ts';
import type { DnsResolver, Upstream } from '../dns/resolver.ts';
import type { Open } from '../opening.ts';
import { foreignSource, type Refused, unknownName } from '../refusals.ts';
import { abort, splice } from '../splice.ts';
import { answerTo } from './verdict.ts';

export interface TcpOptions {
  open: Open;
  resolver: DnsResolver;
  upstreamOf(server: Ip): Upstream;
  connectTo(server: Ip): Socket;
  destination(protocol: Destination['protocol'], address: Ip, port?: number): Destination | undefined;
  /** Whether a server for port 53 is a Resource itself, and what it is asked none of our business. */
  asksResource(destination: Destination | undefined): boolean;
  /** Whether it may come here at all. */
  allows(source: Ip): boolean;
  monotonic(): number;
  random(length: number): Uint8Array;
  /** Told to whoever asks for `status`, besides what `open` tells. */
  refused(refused: Refused): void;
  /** @param frame valid during the call. */
  write(frame: Uint8Array): boolean;
  log: Pick<Log, 'warn'>;
  /** This host's, unless somebody stands in for it. */
  ground?: TcpGround;
  limits?: Partial<FlowLimits>;
}

/** Where the kernel's TCP ends the flows of programs, and how it is told of one. */
export interface TcpGround {
  /** At any port of this address of the device. */
  listen(address: Ip, onConnection: (socket: Socket) => void): Promise<{ port: number; close(): void }>;
  injector(): Injector | undefined;
}

/** What stands behind a flow. */
interface Owner {
  gone: AbortController;
  stream?: Duplex;
  /** Of a question for names, which is answered here: who was asked. */
  server?: Ip;
  /** The listener's. */
  socket?: Socket;
}

type Held = TcpFlow<Owner>;

/** How often flows whose time is over are looked for. */
const expireMs = 1_000;
/** The listener sees its connections come from these: four outlast TIME_WAIT at 4,000 flows a second. */
const peers = 4;

export class Tcp {
  readonly #o: TcpOptions;
  readonly #listeners: { close(): void }[] = [];
  readonly #sockets = new Set<Socket>();
  /** Being opened, or opened and not yet with the listener. */
  readonly #pending = new Set<Held>();
  #table: FlowTable<Owner> | undefined;
  #injector: Injector | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** SYNs without a place, by the last look. */
  #overflowed = 0;

  constructor(o: TcpOptions) {
    this.#o = o;
  }

  get counts(): { held: number; open: number; closing: number } {
    return this.#table?.counts ?? { held: 0, open: 0, closing: 0 };
  }

  /** Once the device has its addresses. */
  async listen(ipv6: boolean): Promise<void> {
    const v4 = await this.#side(deviceAddresses.v4, peerAddresses.v4);
    const v6 = ipv6 ? await this.#side(deviceAddresses.v6, peerAddresses.v6) : undefined;
    const random32 = () => new DataView(this.#o.random(4).slice().buffer).getUint32(0);
    const { limits, ground = host } = this.#o;
    const sides = { 4: v4, ...(v6 && { 6: v6 }) };
    this.#table = new FlowTable({ sides, random32, ...(limits && { limits }) });
    this.#injector = ground.injector();
    // After what has come meanwhile: who was kept from working for a while must not take it for others' silence.
    this.#timer = setInterval(() => setImmediate(() => this.expire()), expireMs).unref();
  }

  take(view: PacketView): void {
    const table = this.#table;
    if (table === undefined) return;
    switch (table.take(view, this.#o.monotonic())) {
      case 'write':
        return void this.#o.write(view.frame.subarray(0, view.end));
      case 'inject':
        return this.#inject(view.frame.subarray(0, view.end));
      case 'reply':
        return void this.#o.write(table.reply);
      case 'open':
        if (table.evicted) this.#cancel(table.evicted);
        return this.#open(table.flow!);
      case 'cancel':
        return this.#cancel(table.flow!);
    }
  }

  /** Ends what time has run out for. */
  expire(): void {
    const refused = this.#table?.overflowed ?? 0;
    if (refused > this.#overflowed)
      this.#o.log.warn('tun_flows_full', { refused: refused - this.#overflowed, ...this.counts });
    this.#overflowed = refused;
    for (const flow of this.#table?.sweep(this.#o.monotonic()) ?? []) this.#cancel(flow);
    // Their sockets may wait for the far side to read: until then they would not notice.
    for (const { owner } of [...(this.#table?.broken ?? [])])
      if (owner?.socket && isClosedByKernel(owner.socket)) owner.socket.destroy();
  }

  /** With the device goes every connection of a program. */
  close(): void {
    clearInterval(this.#timer);
    for (const listener of this.#listeners.splice(0)) listener.close();
    for (const socket of this.#sockets) resetSocket(socket);
    for (const flow of [...this.#pending]) this.#cancel(flow);
    this.#injector?.close();
    this.#injector = this.#table = undefined;
    this.#overflowed = 0;
  }

  /** Its SYN is held. */
  #open(flow: Held): void {
    const address = addressOf(flow.destination);
    if (!this.#o.allows(addressOf(flow.source))) return this.#turnAway(flow, 'not_a_resource', foreignSource);
    const destination = this.#o.destination('tcp', address, flow.destinationPort);
    flow.owner = { gone: new AbortController() };
    this.#pending.add(flow);
    if (flow.destinationPort === 53 && !this.#o.asksResource(destination)) {
      flow.owner.server = address;
      return this.#connected(flow);
    }
    if (destination === undefined) return this.#turnAway(flow, 'host_unreachable', unknownName);
    void this.#reach(flow, flow.owner, destination);
  }

  /** Nobody else is asked. */
  #turnAway(flow: Held, code: ErrorCode, detail: string): void {
    const { destinationPort: port } = flow;
    const destination = { protocol: 'tcp', host: formatIp(addressOf(flow.destination)), port } as const;
    this.#o.refused({ destination, clientAddress: formatIp(addressOf(flow.source)), code, detail });
    this.#refuse(flow, code);
  }

  async #reach(flow: Held, owner: Owner, destination: Destination): Promise<void> {
    const clientAddress = formatIp(addressOf(flow.source));
    const opening = await this.#o.open({ destination, clientAddress, signal: owner.gone.signal });
    if (!opening.ok) return this.#refuse(flow, opening.code);
    owner.stream = opening.stream;
    if (owner.gone.signal.aborted) return abort(opening.stream);
    this.#connected(flow);
  }

  #connected(flow: Held): void {
    const frame = this.#table?.connected(flow, this.#o.monotonic());
    if (frame === undefined) this.#cancel(flow);
    else this.#inject(frame);
  }

  /** Over `lo` where that is permitted: a firewall may drop what is new from a device that it does not know. */
  #inject(frame: Uint8Array): void {
    if (!this.#injector?.inject(frame.subarray(ipStart))) this.#o.write(frame);
  }

  #refuse(flow: Held, code: ErrorCode): void {
    this.#pending.delete(flow);
    const frame = this.#table?.refuse(flow, answerTo(code, 'tcp'));
    if (frame !== undefined && frame.length > 0) this.#o.write(frame);
  }

  /** Nobody waits for it any more. */
  #cancel(flow: Held): void {
    this.#pending.delete(flow);
    flow.owner?.gone.abort();
    if (flow.owner?.stream) abort(flow.owner.stream);
  }

  /** What the device brought, or somebody who has no business here. */
  #accept(socket: Socket): void {
    const from = parseIp(socket.remoteAddress ?? '');
    const flow = from && this.#table?.accepted(from.bytes, socket.remotePort ?? 0, this.#o.monotonic());
    socket.on('error', () => {});
    if (flow?.owner === undefined) return void resetSocket(socket);
    this.#pending.delete(flow);
    this.#sockets.add(socket);
    flow.owner.socket = socket;
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#table?.release(flow, this.#o.monotonic());
    });
    const { stream, server } = flow.owner;
    if (stream) return splice(socket, stream);
    const { resolver, upstreamOf, connectTo } = this.#o;
    const listener = { resolver, upstream: upstreamOf(server!), connect: () => connectTo(server!) };
    listenTcp(socket, listener, formatIp(addressOf(flow.source)));
  }

  async #side(device: Ip, peer: Ip): Promise<FlowSide> {
    const { ground = host } = this.#o;
    const listener = await ground.listen(device, (socket) => this.#accept(socket));
    this.#listeners.push(listener);
    const { port } = listener;
    return { device: device.bytes, listenerPort: port, peers: { first: peer.bytes, count: peers } };
  }
}

const host: TcpGround = {
  async listen(address, onConnection) {
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
      onConnection,
    );
    server.listen({ host: formatIp(address), port: 0, backlog: 4_096 });
    await once(server, 'listening');
    readUrgentInLine(server);
    server.on('error', () => {});
    return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
  },
  injector: openInjector,
};

const addressOf = (bytes: Uint8Array): Ip => ({ family: bytes.length === 4 ? 4 : 6, bytes });
