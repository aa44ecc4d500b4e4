/**
 * Two muxes back to back over a pipe that divides bytes at will: whatever both sides do, every byte arrives in
 * order or not at all, datagrams whole and in order, nobody exceeds credit or budget, and when all is over nothing
 * is left.
 */
import { equal, fail, ok } from 'node:assert/strict';
import { mintId } from '#schema/ids.ts';
import { initialCredit } from '#schema/tunnel/frames.ts';
import { Mux, type MuxHandler } from '#schema/tunnel/mux.ts';
import { minFill } from '#schema/tunnel/outbox.ts';
import type { MuxStream, StreamHandler } from '#schema/tunnel/stream.ts';
import type { SeededRandom } from './random.ts';
import type { Target } from './target.ts';

export const tunnelMux: Target = {
  name: 'tunnel/mux',
  run(random) {
    const world = new World(random, { budget: random.pick([64, 512, 32 * 1024]) * 1024 });
    for (let step = 0; step < 400; step++) world.step();
    world.settle();
  },
};

/** The bytes that stream `id` carries in one direction: a function of the position alone. */
const byteAt = (id: number, side: number, position: number): number =>
  (Math.imul(id * 2 + side + 1, 0x9e3779b1) ^ Math.imul(position + 1, 0x85ebca6b)) >>> 24;

/** One end of one stream, and a consumer that reads when it likes. */
class End implements StreamHandler {
  stream: MuxStream | undefined;
  id = 0;
  opened = false;
  sent = 0;
  received = 0;
  unread = 0;
  sending = false;
  finishing = false;
  ended = false;
  over: string | undefined;
  /** UDP: how many were sent and how many came; the number of the last, and whether one was lost for want of room. */
  datagrams = { sent: 0, received: 0, last: -1, lost: false };
  /** Given up, by one side or the other: what is unread is lost. */
  given = false;
  readonly side: number;
  readonly mux: Mux;
  constructor(mux: Mux, side: number) {
    this.mux = mux;
    this.side = side;
  }
  onOpened(): void {
    this.opened = true;
  }
  onData(slice: Uint8Array): void {
    ok(!this.ended && this.over === undefined, 'DATA after the end');
    for (const byte of slice) {
      if (byte !== byteAt(this.id, 1 - this.side, this.received++)) fail('out of order');
    }
    this.unread += slice.length;
  }
  onDatagram(bytes: Uint8Array): void {
    ok(this.udp && !this.ended && this.over === undefined);
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    ok(number > this.datagrams.last, 'out of order, or twice');
    for (let at = 4; at < bytes.length; at++)
      if (bytes[at] !== byteAt(this.id, 1 - this.side, number + at)) fail('another datagram');
    this.datagrams.last = number;
    this.datagrams.received++;
  }
  onEnd(): void {
    ok(!this.ended);
    this.ended = true;
  }
  onReset(code: string): void {
    this.over = code;
    this.given = true;
  }
  onSent(): void {
    this.sending = false;
  }
  get udp(): boolean {
    return this.stream?.protocol === 'udp';
  }
  get live(): boolean {
    return this.stream !== undefined && !this.stream.gone;
  }
  give(length: number): void {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = byteAt(this.id, this.side, this.sent + at);
    this.sent += length;
    this.sending = true;
    this.mux.send(this.stream!, bytes);
  }
  giveDatagram(length: number): void {
    const number = this.datagrams.sent++;
    const bytes = new Uint8Array(4 + length);
    new DataView(bytes.buffer).setUint32(0, number);
    for (let at = 4; at < bytes.length; at++) bytes[at] = byteAt(this.id, this.side, number + at);
    if (!this.mux.sendDatagram(this.stream!, bytes)) this.datagrams.lost = true;
  }
  read(count: number, now: number): void {
    this.unread -= count;
    this.mux.consumed(this.stream!, count, now);
  }
}

export class World {
  now = 0;
  readonly client: Mux;
  readonly connector: Mux;
  readonly ends: End[] = [];
  readonly #random: SeededRandom;
  /** Bytes under way: towards the Connector, towards the Client. */
  readonly #pipes: [Uint8Array[], Uint8Array[]] = [[], []];
  readonly #budget: number;

  constructor(random: SeededRandom, o: { budget: number; maxStreams?: number }) {
    this.#random = random;
    this.#budget = o.budget;
    const nothing = { onReady() {}, onHello() {}, onWelcome() {}, onAcl() {}, onGoAway() {} };
    const options = { nowMs: 0, budget: o.budget, maxStreams: o.maxStreams ?? 24 };
    const never: MuxHandler['onOpen'] = () => fail('a Connector opened a stream');
    this.client = new Mux({ ...options, role: 'client', handler: { ...nothing, onOpen: never } });
    this.connector = new Mux({
      ...options,
      role: 'connector',
      handler: {
        ...nothing,
        onHello: () => this.connector.welcome(),
        onOpen: (stream) => {
          const end = new End(this.connector, 1);
          end.stream = stream;
          end.id = stream.id;
          this.ends.push(end);
          return end;
        },
      },
    });
    this.client.hello({ connectionToken: 'token', acl: 'acl' });
  }

  step(): void {
    const random = this.#random;
    this.now += random.int(3);
    const end = random.pick(this.ends);
    switch (random.int(12)) {
      case 0:
        this.open();
        break;
      case 1:
      case 2:
      case 3:
        if (!end?.live || !this.#maySend(end)) break;
        if (end.udp) end.giveDatagram(random.int(random.pick([10, 1_200, 1_200, 1_200, 65_000])));
        else end.give(1 + random.int(random.pick([10, 1000, 90_000])));
        break;
      case 4:
        if (end?.live && end.unread > 0) end.read(1 + random.int(end.unread), this.now);
        break;
      case 5:
        if (end?.live && end.unread > 0) end.read(end.unread, this.now);
        break;
      case 6:
        if (end?.live && end.side === 1 && !end.opened) {
          end.opened = true;
          this.connector.accept(end.stream!, '10.0.0.1');
        }
        break;
      case 7:
        if (end?.live && this.#maySend(end) && random.chance(0.3)) {
          end.finishing = true;
          end.mux.finish(end.stream!);
        }
        break;
      case 8:
        if (end?.live && random.chance(0.05)) {
          end.given = true;
          end.mux.reset(end.stream!, 'cancelled');
        }
        break;
      case 9:
        if (random.chance(0.1)) random.pick([this.client, this.connector]).ping(this.now);
        break;
      default:
        this.#carry(random.int(2) as 0 | 1, random.pick([1, 7, 300, 20_000, 200_000]));
    }
    this.check();
  }

  open(): End {
    const end = new End(this.client, 0);
    const connectionId = mintId('connection', new Uint8Array(16));
    const protocol = this.#random.pick(['tcp', 'tcp', 'udp'] as const);
    const destination = { protocol, host: 'a.internal', port: 443 };
    const opened = this.client.open({ connectionId, destination, clientAddress: '127.0.0.1' }, end);
    if (opened.ok) {
      end.stream = opened.stream;
      end.id = opened.stream.id;
      this.ends.push(end);
    } else equal(opened.code, 'limit_reached');
    return end;
  }

  #maySend(end: End): boolean {
    return !end.sending && !end.finishing && (end.side === 0 || end.opened);
  }

  /** Lets a mux write into the pipe, and some bytes come out of it. */
  #carry(direction: 0 | 1, most: number): void {
    const [from, to] = direction === 0 ? [this.client, this.connector] : [this.connector, this.client];
    const pipe = this.#pipes[direction];
    const block = new Uint8Array(minFill + this.#random.int(70_000));
    const length = from.fill(block);
    if (length > 0) pipe.push(block.subarray(0, length));
    for (let left = most; left > 0 && pipe.length > 0; ) {
      const first = pipe.shift()!;
      const take = Math.min(left, first.length, 1 + this.#random.int(first.length));
      if (take < first.length) pipe.unshift(first.subarray(take));
      equal(to.receive(first.subarray(0, take), this.now), undefined, 'the peer was accused');
      left -= take;
    }
  }

  check(): void {
    for (const mux of [this.client, this.connector]) {
      const unread = this.ends.reduce((sum, end) => sum + (end.mux === mux && end.live ? end.unread : 0), 0);
      const lost = this.ends.find((end) => end.mux === mux && end.unread > 0 && !end.live && !end.given);
      ok(lost === undefined, 'a stream ended before it was read');
      ok(unread <= mux.budget.reserved, `${unread} unread, ${mux.budget.reserved} reserved`);
      const bound = Math.max(this.#budget, this.#budget * 0.75 + mux.size * initialCredit);
      ok(mux.budget.reserved <= bound, `${mux.budget.reserved} reserved, ${mux.size} streams`);
    }
  }

  /** Everybody reads all and closes: everything must arrive and nothing remain. */
  settle(): void {
    for (let round = 0; round < 5000; round++) {
      this.now += 1;
      for (const end of this.ends) {
        if (!end.live) continue;
        if (end.side === 1 && !end.opened) {
          end.opened = true;
          this.connector.accept(end.stream!, '10.0.0.1');
        }
        if (end.unread > 0) end.read(end.unread, this.now);
        if (this.#maySend(end)) {
          end.finishing = true;
          end.mux.finish(end.stream!);
        }
      }
      this.#carry(0, 1_000_000);
      this.#carry(1, 1_000_000);
      this.check();
      if (this.client.size + this.connector.size + this.#pipes[0].length + this.#pipes[1].length === 0) break;
    }
    equal(this.client.size + this.connector.size, 0, 'streams remain');
    equal(this.client.budget.reserved, 0);
    equal(this.connector.budget.reserved, 0);
    for (const end of this.ends) {
      const other = this.ends.find((one) => one.id === end.id && one.side !== end.side);
      if (!end.ended || other === undefined) continue;
      equal(end.received, other.sent, 'bytes are missing');
      const { sent, lost } = other.datagrams;
      ok(lost ? end.datagrams.received < sent : end.datagrams.received === sent, 'datagrams are missing');
    }
  }
}
