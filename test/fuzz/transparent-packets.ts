/**
 * The whole way of packets in the Client, from the device's door to whatever it opens: programs, devices of a LAN,
 * a kernel that ends TCP, Connectors that accept, refuse, hang up or never answer, and rubbish of every kind.
 * Never a throw; tables within their bounds; what is written to the device is a packet to somebody who sent one;
 * and when it is closed nothing that was opened is left.
 */
import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { FlowRequest, Opening } from '#node-agents/client/opening.ts';
import { Datagrams, mostQuestions } from '#node-agents/client/tun/datagrams.ts';
import { Packets } from '#node-agents/client/tun/packets.ts';
import { Tcp } from '#node-agents/client/tun/tcp.ts';
import { Associations } from '#node-agents/client/udp/associations.ts';
import type { DatagramLine } from '#node-agents/client/udp/line.ts';
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { formatIp, type Ip, parseIp } from '#schema/name/ip.ts';
import { deviceAddresses, peerAddresses } from '#schema/name/synthetic.ts';
import { transportChecksumHolds } from '#schema/packet/checksum.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { tcp as flags, ipStart, PacketView, protocols } from '#schema/packet/view.ts';
import { anyFrame, bend } from './packet-parse.ts';
import type { SeededRandom } from './random.ts';
import { echoRequest, pieces, type Segment, tcpSegment, udpDatagram } from './segments.ts';
import type { Target } from './target.ts';

const flowLimits = {
  ...{ held: 4, heldPerSource: 3, flows: 8, flowsPerSource: 6 },
  ...{ heldMs: 400, acceptMs: 200, lingerMs: 50, closingMs: 300 },
};
const udpLimits = {
  ...{ associations: 12, associationsPerSource: 8, refusals: 6, refusedMs: 100 },
  ...{ waitingBytes: 2_000, waitingBytesInAll: 6_000 },
};
const codes: ErrorCode[] = ['connection_refused', 'port_denied', 'no_connector', 'network_unreachable'];
const listenerPorts = { 4: 40_004, 6: 40_006 };

export const transparentPackets: Target = {
  name: 'transparent/packets',
  async run(random) {
    const world = new World(random);
    await world.open();
    for (let step = 0; step < 150; step++) {
      world.step();
      if (random.chance(0.3)) await settled();
      world.check();
    }
    await world.close();
  },
};

/** Whatever has been promised by now has happened. */
const settled = () => new Promise((done) => setImmediate(done));

class World {
  readonly #random: SeededRandom;
  readonly #tcp: Tcp;
  readonly #datagrams: Datagrams;
  readonly #associations: Associations;
  readonly #packets: Packets;
  readonly #device = Buffer.alloc(4_096);
  readonly #accept = new Map<string, (socket: Socket) => void>();
  /** SYNs that the kernel has been given and has not accepted. */
  #syns: { address: string; port: number; to: string }[] = [];
  readonly #sockets: ProgramSocket[] = [];
  readonly #streams: FarStream[] = [];
  readonly #lines: FarLine[] = [];
  /** Of requests that nobody has answered. */
  readonly #unanswered = new Set<AbortSignal>();
  readonly #sources = new Set<string>();
  /** Whether packets come damaged: a segment's damage is passed on as it is, for the kernel to see. */
  readonly #damage: boolean;
  /** What was wrong where nobody would have heard of it. */
  #wrong: unknown;
  #questions = 0;
  #now = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#damage = random.chance(0.5);
    const write = (frame: Uint8Array) => this.#toDevice(frame);
    const allows = ({ bytes }: Ip) => bytes.at(-1) !== 13;
    const destination = (protocol: Destination['protocol'], address: Ip, port?: number) =>
      address.bytes.at(-1) === 66 ? undefined : { protocol, host: formatIp(address), ...(port && { port }) };
    const resolver = {
      answer: async () => {
        this.#questions++;
        await settled();
        this.#questions--;
        return random.chance(0.8) ? random.bytes(random.int(600)) : undefined;
      },
      isTransfer: () => random.chance(0.1),
    };
    const upstreamOf = () => async () => new Uint8Array(0);
    const asksResource = () => random.chance(0.3);
    const shared = { destination, resolver, upstreamOf, asksResource, allows, refused: () => {}, write };
    const log = { warn: () => {} };
    const monotonic = () => this.#now;
    this.#associations = new Associations({
      open: (request) => this.#openAny(request, () => this.#line()),
      now: monotonic,
      limits: udpLimits,
    });
    this.#datagrams = new Datagrams({ ...shared, associations: this.#associations });
    this.#tcp = new Tcp({
      ...shared,
      connectTo: () => random.pick([undefined, new ProgramSocket('192.0.2.53', 53)]) as unknown as Socket,
      open: (request) => this.#openAny(request, () => this.#stream()),
      ...{ monotonic, log },
      random: (length) => random.bytes(length),
      limits: flowLimits,
      ground: {
        listen: async (address, onConnection) => {
          this.#accept.set(formatIp(address), onConnection);
          return { port: listenerPorts[address.family], close: () => this.#accept.delete(formatIp(address)) };
        },
        injector: () =>
          random.pick([undefined, { inject: (packet) => this.#inject(packet), close: () => {} }]),
      },
    });
    this.#packets = new Packets({ tcp: this.#tcp, datagrams: this.#datagrams, allows, monotonic });
  }

  open(): Promise<void> {
    return this.#tcp.listen(true);
  }

  step(): void {
    const random = this.#random;
    this.#now += random.int(20);
    const dice = random.int(12);
    if (dice < 6) this.#deliver(this.#packet());
    else if (dice === 6) this.#deliver(this.#damage ? bend(random, this.#packet()) : anyFrame(random));
    else if (dice === 7) this.#deliver(this.#damage ? random.bytes(random.int(300)) : this.#packet());
    else if (dice === 8) this.#kernelAccepts();
    else if (dice === 9) this.#tcp.expire();
    else if (dice === 10) random.pick<Ending>([...this.#sockets, nobody])?.end(random);
    else random.pick<Ending>([...this.#streams, ...this.#lines, nobody])?.end(random);
  }

  check(): void {
    if (this.#wrong !== undefined) throw this.#wrong;
    const { held, open, closing } = this.#tcp.counts;
    ok(held <= flowLimits.held && held + open + closing <= flowLimits.flows);
    const { live, questions } = this.#datagrams.counts;
    ok(this.#associations.size <= udpLimits.associations && live <= udpLimits.associations);
    ok(questions <= mostQuestions);
  }

  async close(): Promise<void> {
    this.#tcp.close();
    this.#datagrams.close();
    this.#associations.close();
    await settled();
    await settled();
    // The last packets may come while it goes.
    this.#deliver(this.#packet());
    await settled();
    this.check();
    deepStrictEqual(this.#tcp.counts, { held: 0, open: 0, closing: 0 });
    deepStrictEqual([this.#datagrams.counts.live, this.#associations.size], [0, 0]);
    equal(this.#questions, 0);
    ok([...this.#streams, ...this.#lines, ...this.#sockets].every(({ destroyed }) => destroyed));
    ok([...this.#unanswered].every(({ aborted }) => aborted));
    equal(this.#accept.size, 0);
  }

  /** As the device does: one buffer for all, overwritten after each. */
  #deliver(frame: Uint8Array): void {
    this.#noteSource(frame);
    this.#device.set(frame);
    this.#packets.take(this.#device, frame.length);
    this.#device.fill(0xa5);
  }

  #noteSource(frame: Uint8Array): void {
    const view = new PacketView();
    if (parseFrame(view, frame, frame.length) !== undefined) return;
    this.#sources.add(formatIp({ family: view.family, bytes: view.source }));
  }

  /** Of few hosts and ports, so that they meet. */
  #packet(): Uint8Array {
    const random = this.#random;
    const family = random.pick([4, 6] as const);
    const host = (last: number) =>
      parseIp(family === 4 ? `10.7.0.${last}` : `fd07::${last.toString(16)}`)!.bytes;
    const peer = peerAddresses[family === 4 ? 'v4' : 'v6'].bytes;
    const device = deviceAddresses[family === 4 ? 'v4' : 'v6'].bytes;
    const source = host(random.pick([1, 2, 3, 13]));
    const destination = random.chance(0.95) ? host(random.pick([9, 10, 66])) : random.pick([peer, device]);
    const segment: Segment = {
      ...{ source, destination, sourcePort: 1_000 + random.int(6) },
      destinationPort: random.pick([53, 80, 443, 40_004, 40_006]),
      flags: random.pick([
        flags.syn,
        flags.syn,
        flags.syn,
        flags.ack,
        flags.rst,
        flags.fin | flags.ack,
        0xff,
      ]),
      ...{ seq: random.int(2 ** 32), ack: random.int(2 ** 32), data: random.bytes(random.int(64)) },
    };
    if (random.chance(0.1)) return this.#ofKernel(family);
    const frame = random.pick([tcpSegment, udpDatagram, echoRequest])(segment);
    if (family === 6 || random.chance(0.9)) return frame;
    return random.pick(pieces(frame, 8 * (1 + random.int(4)), random.int(3)));
  }

  /** The listener's side of a flow, or of one that never was. */
  #ofKernel(family: 4 | 6): Uint8Array {
    const random = this.#random;
    const version = family === 4 ? 'v4' : 'v6';
    const syn = random.pick(this.#syns);
    return tcpSegment({
      ...{ source: deviceAddresses[version].bytes, sourcePort: listenerPorts[family] },
      destination: peerAddresses[version].bytes,
      destinationPort: syn?.port ?? 5_000 + random.int(100),
      flags: random.pick([flags.syn | flags.ack, flags.ack, flags.fin | flags.ack, flags.rst]),
    });
  }

  #toDevice(frame: Uint8Array): boolean {
    try {
      this.#look(frame);
    } catch (error) {
      this.#wrong ??= error;
    }
    return this.#random.chance(0.95);
  }

  #look(frame: Uint8Array): void {
    const view = new PacketView();
    const copy = frame.slice();
    equal(parseFrame(view, copy, copy.length), undefined);
    ok((this.#damage && view.protocol === protocols.tcp) || transportChecksumHolds(view));
    const to = formatIp({ family: view.family, bytes: view.destination });
    const toListener = [deviceAddresses.v4, deviceAddresses.v6].some((one) => formatIp(one) === to);
    ok(toListener || this.#sources.has(to), 'nobody there has sent anything');
    if (toListener && view.protocol === protocols.tcp && (view.flags & flags.syn) !== 0)
      this.#noteSyn(view, to);
  }

  #inject(packet: Uint8Array): boolean {
    const frame = new Uint8Array(ipStart + packet.length);
    frame.set(packet, ipStart);
    return this.#random.chance(0.9) && this.#toDevice(frame);
  }

  #noteSyn(view: PacketView, to: string): void {
    const address = formatIp({ family: view.family, bytes: view.source });
    this.#syns.push({ address, port: view.sourcePort, to });
  }

  #kernelAccepts(): void {
    const [syn] = this.#syns.splice(this.#random.int(this.#syns.length + 1), 1);
    const { address, port, to } = syn ?? { address: '192.0.2.1', port: 9, to: formatIp(deviceAddresses.v4) };
    const socket = new ProgramSocket(address, port);
    this.#sockets.push(socket);
    this.#accept.get(to)?.(socket as unknown as Socket);
  }

  async #openAny<S>({ signal, early }: FlowRequest, make: () => S): Promise<Opening<S>> {
    const random = this.#random;
    const connection = 'cnx_fuzz';
    if (random.chance(0.5)) early?.();
    for (let wait = random.int(4); wait > 0; wait--) await settled();
    if (random.chance(0.15)) {
      this.#unanswered.add(signal);
      if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done));
      return { ok: false, code: 'cancelled', connection };
    }
    if (random.chance(0.3)) return { ok: false, code: random.pick(codes), connection };
    return { ok: true, connection, stream: make() };
  }

  #stream(): FarStream {
    const stream = new FarStream();
    this.#streams.push(stream);
    return stream;
  }

  #line(): FarLine {
    const line = new FarLine(this.#random);
    this.#lines.push(line);
    return line;
  }
}

interface Ending {
  end(random: SeededRandom): void;
}
const nobody: Ending = { end: () => {} };

/** The far end of a flow in a tunnel. */
class FarStream extends Duplex {
  readonly #ignore = this.on('error', () => {});
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  override end(random?: unknown): this {
    const dice = (random as SeededRandom | undefined)?.int?.(4);
    if (dice === 0) this.push(null);
    else if (dice === 1) this.destroy();
    else if (dice === 2) this.push(Buffer.alloc(100));
    else if (dice === undefined) super.end();
    return this.#ignore;
  }
}

/** What the kernel's TCP hands to whoever listens. */
class ProgramSocket extends FarStream {
  readonly remoteAddress: string;
  readonly remotePort: number;
  constructor(address: string, port: number) {
    super();
    this.remoteAddress = address;
    this.remotePort = port;
  }
  resetAndDestroy(): this {
    return this.destroy();
  }
  setTimeout(): this {
    return this;
  }
}

/** A flow for datagrams. */
class FarLine extends EventEmitter<{ close: [] }> implements DatagramLine {
  readonly #random: SeededRandom;
  #take: ((bytes: Uint8Array) => void) | undefined;
  code: ErrorCode | undefined;
  destroyed = false;
  constructor(random: SeededRandom) {
    super();
    this.#random = random;
    this.destroyed = random.chance(0.1);
  }
  sendDatagram(): boolean {
    return !this.destroyed && this.#random.chance(0.9);
  }
  takeDatagrams(take: (bytes: Uint8Array) => void): void {
    this.#take = take;
    if (this.#random.chance(0.3)) take(this.#random.bytes(this.#random.int(40)));
  }
  reset(code: ErrorCode): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.code = code;
    this.emit('close');
  }
  end(random: SeededRandom): void {
    if (random.chance(0.3)) this.reset(random.pick(codes));
    else if (!this.destroyed) this.#take?.(random.bytes(random.int(80)));
  }
}
