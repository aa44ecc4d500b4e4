/**
 * TCP in transparent mode, as a state machine without sockets: the first SYN of a program is held until the far
 * side has accepted, then addresses and ports are rewritten so that the kernel's own TCP terminates the flow at a
 * local listener ("system stack", design §7). Packets come from the TUN device through `packet/parse.ts`; the
 * answer says what the caller does with each. A packet of a known flow allocates nothing.
 *
 *   program (source → destination)  ⇄  TUN  ⇄  here  ⇄  TUN  ⇄  listener (peer:peerPort → device:listenerPort)
 */
import { buildReset, buildUnreachable, type Unreachable } from '#schema/packet/build.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { finishChecksum, rewriteOf, rewriteTcp } from '#schema/packet/rewrite.ts';
import { ipStart, PacketView, tcp } from '#schema/packet/view.ts';
import { ends, type FlowLimits, flowLimits, isOver, type TcpFlow } from './flow.ts';
import { mostFlows, PeerPorts, type Peers } from './peer-ports.ts';
import { sourceKeyOf, Tally } from './tally.ts';
import { TupleIndex } from './tuple-index.ts';

export type { TcpFlow } from './flow.ts';

/**
 * What to do with the packet:
 * - `write`: it was rewritten in place; write `view.frame` up to `view.end` to the device.
 * - `inject`: the same, of a SYN: where a raw socket sends those over `lo`, it does this one, too.
 * - `open`: `flow` is new and its SYN is held. Ask the ACL, open it at the Connector; then `connected` or `refuse`.
 * - `reply`: write `reply` to the device; the packet itself goes nowhere.
 * - `cancel`: the program gave up `flow` before the listener had it: end what was opened for it.
 * - `drop`: nothing.
 */
export type TcpAction = 'write' | 'inject' | 'open' | 'reply' | 'cancel' | 'drop';

/** One family's part: the device's own address, the listener's port there, and the ends that it sees. */
export interface FlowSide {
  device: Uint8Array;
  listenerPort: number;
  peers: Peers;
}

interface Side<T> extends FlowSide {
  ports: PeerPorts<TcpFlow<T>>;
}

export class FlowTable<T = unknown> {
  /** After `open` and `cancel`: which. */
  flow: TcpFlow<T> | undefined;
  /** After `open`: one that has waited for long and had to make way, if any. End what was opened for it. */
  evicted: TcpFlow<T> | undefined;
  /** After `reply`: a frame, valid until the next call. */
  reply: Uint8Array;
  /** SYNs that found no place: dropped, or answered where the table itself is full. */
  overflowed = 0;

  readonly #sides: Partial<Record<4 | 6, Side<T>>>;
  readonly #limits: FlowLimits;
  readonly #index: TupleIndex<TcpFlow<T>>;
  /** By state, each with the one that has been in it longest first. */
  readonly #held = new Set<TcpFlow<T>>();
  readonly #accepting = new Set<TcpFlow<T>>();
  readonly #open = new Set<TcpFlow<T>>();
  readonly #closing = new Set<TcpFlow<T>>();
  readonly #broken = new Set<TcpFlow<T>>();
  readonly #heldPerSource = new Tally();
  readonly #flowsPerSource = new Tally();
  readonly #answer = new Uint8Array(answerBytes);
  readonly #syn = new PacketView();

  /**
   * @param o.sides the families that are offered; packets of another are dropped.
   * @param o.random32 32 random bits at each call: where ports begin, and against chosen collisions.
   */
  constructor(o: {
    sides: Partial<Record<4 | 6, FlowSide>>;
    random32: () => number;
    limits?: Partial<FlowLimits>;
  }) {
    this.#limits = { ...flowLimits, ...o.limits };
    if (this.#limits.flows > mostFlows) throw new RangeError(`flows: at most ${mostFlows}`);
    this.#index = new TupleIndex(this.#limits.flows, o.random32());
    this.#sides = {};
    for (const family of [4, 6] as const) {
      const side = o.sides[family];
      if (side === undefined) continue;
      this.#sides[family] = { ...side, ports: new PeerPorts(side.peers, o.random32()) };
    }
    this.reply = this.#answer.subarray(0, 0);
  }

  get size(): number {
    return this.#index.size;
  }

  /** By state; together never more than `limits.flows`. */
  get counts(): { held: number; open: number; closing: number } {
    const held = this.#held.size + this.#accepting.size;
    return { held, open: this.#open.size, closing: this.#closing.size };
  }

  /** Of the open flows, those whose program has sent a reset: whether it was valid, the kernel's TCP decides. */
  get broken(): Iterable<TcpFlow<T>> {
    return this.#broken;
  }

  /** @param view a TCP segment, parsed and no fragment. It may be rewritten in place. */
  take(view: PacketView, nowMs: number): TcpAction {
    const side = this.#sides[view.family];
    if (side === undefined) return 'drop';
    const peer = side.ports.peerAt(view.frame, view.destinationAt);
    if (peer >= 0) return this.#fromListener(view, side, peer, nowMs);
    const flow = this.#index.find(view);
    const opens = (view.flags & (tcp.syn | tcp.ack | tcp.rst | tcp.fin)) === tcp.syn;
    if (flow === undefined) return opens ? this.#hold(view, side, nowMs) : this.#reset(view);
    flow.lastMs = flow.state === 'held' || flow.state === 'accepting' ? flow.lastMs : nowMs;
    if (opens) return this.#again(view, side, flow, nowMs);
    if (flow.state === 'held' || (flow.state === 'accepting' && (view.flags & tcp.rst) !== 0)) {
      if ((view.flags & tcp.rst) === 0) return 'drop';
      this.#remove(flow);
      this.flow = flow;
      return 'cancel';
    }
    if ((view.flags & (tcp.fin | tcp.rst)) !== 0) {
      flow.ends |= (view.flags & tcp.rst) !== 0 ? ends.reset : ends.programFin;
      if (flow.state === 'open' && (flow.ends & ends.reset) !== 0) this.#broken.add(flow);
    }
    rewriteTcp(view, flow.inward!);
    return 'write';
  }

  /**
   * The far side has accepted `flow`.
   * @returns its SYN for the listener: a whole frame without offloads, to be written to the device (or, its first
   *   ten bytes left off, sent over `lo` by a raw socket). Undefined when the program has given up meanwhile.
   */
  connected(flow: TcpFlow<T>, nowMs: number): Uint8Array | undefined {
    if (flow.state !== 'held') return undefined;
    const side = this.#sides[flow.tuple.family]!;
    const { peer, port } = side.ports.take(flow);
    const program = {
      source: { address: flow.source, port: flow.sourcePort },
      destination: { address: flow.destination, port: flow.destinationPort },
    };
    const device = { address: side.device, port: side.listenerPort };
    const made = { address: side.ports.addressOf(peer), port };
    flow.peer = peer;
    flow.peerPort = port;
    flow.inward = rewriteOf(program, { source: made, destination: device });
    flow.outward = rewriteOf(
      { source: device, destination: made },
      { source: program.destination, destination: program.source },
    );
    flow.state = 'accepting';
    flow.lastMs = nowMs;
    this.#held.delete(flow);
    this.#accepting.add(flow);
    const frame = flow.syn!.slice();
    parseFrame(this.#syn, frame, frame.length);
    rewriteTcp(this.#syn, flow.inward);
    finishChecksum(this.#syn);
    return frame;
  }

  /**
   * The listener has a connection. @param address and `port`: its remote end, 4 or 16 bytes.
   * @returns its flow; undefined for one that was given up, or that is none of ours: destroy the socket.
   */
  accepted(address: Uint8Array, port: number, nowMs: number): TcpFlow<T> | undefined {
    const side = this.#sides[address.length === 4 ? 4 : 6];
    if (side === undefined) return undefined;
    const peer = side.ports.peerAt(address, 0);
    const flow = peer < 0 ? undefined : side.ports.get(peer, port);
    if (flow?.state !== 'accepting') return undefined;
    this.#unhold(flow);
    flow.state = 'open';
    flow.syn = undefined;
    flow.lastMs = nowMs;
    this.#open.add(flow);
    return flow;
  }

  /**
   * The far side will not have it: nothing of the flow is kept.
   * @returns the frame for the device that tells the program, valid until the next call; undefined when it has given
   *   up meanwhile or is connected already.
   */
  refuse(flow: TcpFlow<T>, how: 'reset' | Unreachable): Uint8Array | undefined {
    const { syn } = flow;
    if (syn === undefined || flow.state === 'gone') return undefined;
    this.#remove(flow);
    parseFrame(this.#syn, syn, syn.length);
    const length =
      how === 'reset' ? buildReset(this.#answer, this.#syn) : buildUnreachable(this.#answer, this.#syn, how);
    return this.#answer.subarray(0, length);
  }

  /** The listener's socket is closed. The flow stays while the kernel still has something to say in it. */
  release(flow: TcpFlow<T>, nowMs: number): void {
    if (flow.state === 'gone' || flow.state === 'closing') return;
    if (flow.state !== 'open') return this.#remove(flow);
    this.#open.delete(flow);
    this.#broken.delete(flow);
    flow.state = 'closing';
    flow.lastMs = nowMs;
    this.#closing.add(flow);
  }

  /**
   * Ends what time has run out for; call it about once a second.
   * @returns the flows that were held, or not accepted by the listener, for too long: end what was opened for them. They are
   *   gone, and the program hears nothing: its own time runs out.
   */
  sweep(nowMs: number): TcpFlow<T>[] {
    const { heldMs, acceptMs, lingerMs, closingMs } = this.#limits;
    const late: TcpFlow<T>[] = [];
    for (const flow of this.#held) if (nowMs - flow.lastMs >= heldMs) late.push(flow);
    for (const flow of this.#accepting) if (nowMs - flow.lastMs >= acceptMs) late.push(flow);
    for (const flow of late) this.#remove(flow);
    for (const flow of this.#closing) {
      if (nowMs - flow.lastMs >= (isOver(flow) ? lingerMs : closingMs)) this.#remove(flow);
    }
    return late;
  }

  #fromListener(view: PacketView, side: Side<T>, peer: number, nowMs: number): TcpAction {
    if (view.sourcePort !== side.listenerPort || !isAt(side.device, view.frame, view.sourceAt)) return 'drop';
    const flow = side.ports.get(peer, view.destinationPort);
    // A socket that a daemon before this one left behind, or of a flow that was given up.
    if (flow === undefined) return this.#reset(view);
    if (flow.state !== 'accepting') flow.lastMs = nowMs;
    if ((view.flags & (tcp.fin | tcp.rst)) !== 0)
      flow.ends |= (view.flags & tcp.rst) !== 0 ? ends.reset : ends.listenerFin;
    rewriteTcp(view, flow.outward!);
    return 'write';
  }

  #hold(view: PacketView, side: Side<T>, nowMs: number): TcpAction {
    const { held, heldPerSource, flows, flowsPerSource } = this.#limits;
    const sourceKey = sourceKeyOf(view);
    this.evicted = undefined;
    if (view.end > longestSyn || side.ports.peerAt(view.frame, view.sourceAt) >= 0) return 'drop';
    const many = this.#heldPerSource.of(sourceKey) >= heldPerSource;
    if ((many || this.counts.held >= held) && !this.#evict(nowMs, many ? sourceKey : undefined))
      return this.#overflow();
    if (
      this.#flowsPerSource.of(sourceKey) >= flowsPerSource ||
      (this.#index.size >= flows && !this.#makeRoom())
    )
      return this.#overflow(view);
    const flow: TcpFlow<T> = {
      tuple: this.#index.tupleOf(view),
      source: view.source,
      sourcePort: view.sourcePort,
      destination: view.destination,
      destinationPort: view.destinationPort,
      sourceKey,
      owner: undefined,
      state: 'held',
      syn: view.frame.slice(0, view.end),
      peer: 0,
      peerPort: 0,
      inward: undefined,
      outward: undefined,
      lastMs: nowMs,
      ends: 0,
      nextInBucket: undefined,
    };
    this.#index.add(flow);
    this.#held.add(flow);
    this.#heldPerSource.add(sourceKey);
    this.#flowsPerSource.add(sourceKey);
    this.flow = flow;
    return 'open';
  }

  /** A SYN of a tuple that is known: sent again, or the program's next connection from the same port. */
  #again(view: PacketView, side: Side<T>, flow: TcpFlow<T>, nowMs: number): TcpAction {
    if (flow.state === 'held') {
      // The last one counts: the program may have begun anew from the same port, with another sequence number.
      if (view.end <= longestSyn) flow.syn = view.frame.slice(0, view.end);
      return 'drop';
    }
    if (flow.state === 'closing' && isOver(flow)) {
      this.#remove(flow);
      return this.#hold(view, side, nowMs);
    }
    rewriteTcp(view, flow.inward!);
    if (flow.state !== 'accepting') return 'write';
    finishChecksum(view);
    return 'inject';
  }

  #reset(view: PacketView): TcpAction {
    const length = buildReset(this.#answer, view);
    if (length === 0) return 'drop';
    this.reply = this.#answer.subarray(0, length);
    return 'reply';
  }

  /** @param view told at once: unlike a SYN that waits, what fills the table may stay for hours. */
  #overflow(view?: PacketView): TcpAction {
    this.overflowed++;
    if (view === undefined) return 'drop';
    this.reply = this.#answer.subarray(0, buildUnreachable(this.#answer, view, 'host'));
    return 'reply';
  }

  /**
   * A program answers the listener at once, a flood of SYNs never: those that are being accepted go first.
   * @param sourceKey whose have to go; anybody's if absent.
   */
  #evict(nowMs: number, sourceKey?: string): boolean {
    const { heldGraceMs, acceptGraceMs } = this.#limits;
    for (const [waiting, graceMs] of [
      [this.#accepting, acceptGraceMs],
      [this.#held, heldGraceMs],
    ] as const) {
      let looks = 0;
      for (const flow of waiting) {
        if (nowMs - flow.lastMs < graceMs || looks++ === mostLooks) break;
        if (sourceKey !== undefined && flow.sourceKey !== sourceKey) continue;
        this.#remove(flow);
        this.evicted = flow;
        return true;
      }
    }
    return false;
  }

  /** The flow that has been closing longest makes way for a new one. */
  #makeRoom(): boolean {
    for (const flow of this.#closing) {
      this.#remove(flow);
      return true;
    }
    return false;
  }

  #unhold(flow: TcpFlow<T>): void {
    if (this.#held.delete(flow) || this.#accepting.delete(flow)) this.#heldPerSource.remove(flow.sourceKey);
  }

  #remove(flow: TcpFlow<T>): void {
    if (flow.state === 'gone') return;
    this.#unhold(flow);
    this.#open.delete(flow);
    this.#broken.delete(flow);
    this.#closing.delete(flow);
    this.#flowsPerSource.remove(flow.sourceKey);
    this.#index.remove(flow);
    if (flow.peerPort !== 0) this.#sides[flow.tuple.family]!.ports.free(flow.peer, flow.peerPort);
    flow.state = 'gone';
    flow.syn = undefined;
  }
}

/** Flows of others that are passed over in search of one to evict. */
const mostLooks = 64;
/** Longer ones carry data (TCP Fast Open); the program's kernel tries again without. */
const longestSyn = ipStart + 1_500;
/** A reset, or an "unreachable" with what it quotes. */
const answerBytes = ipStart + 1_280;

function isAt(address: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < address.length; i++) if (bytes[at + i] !== address[i]) return false;
  return true;
}
