/**
 * All flows of one tunnel over one stream of bytes: the table of streams, their credit, and what is sent next.
 * Pure: bytes come in by `receive`, go out by `fill`, time is an argument. The Client's mux opens streams, the
 * Connector's accepts them. `node-agents/link/tunnel/carrier.ts` runs it on a socket.
 */
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import { Decoder, readUint32 } from './decode.ts';
import { encodeCode, encodeFrame, encodeJson, encodeOpen, encodeOpened, type OpenRequest } from './encode.ts';
import {
  acl,
  capability,
  frameTypes,
  type Hello,
  hello,
  initialCredit,
  maxStreams,
  welcome,
} from './frames.ts';
import { Outbox } from './outbox.ts';
import { parseCode, parseJson, parseOpen, parseOpened } from './parse.ts';
import { RoundTrip } from './round-trip.ts';
import { MuxStream, type StreamHandler } from './stream.ts';
import { Budget, ReceiveWindow } from './window.ts';

export interface MuxHandler {
  /** `fill` has something to give. Told again and again until it is called. */
  onReady(): void;
  onHello(hello: Hello): void;
  onWelcome(): void;
  onAcl(jwt: string): void;
  /** @returns who handles the stream from now on. Answer by `accept` or `reset`. */
  onOpen(stream: MuxStream, request: OpenRequest): StreamHandler;
  onGoAway(code: ErrorCode): void;
}

export interface MuxOptions {
  role: 'client' | 'connector';
  handler: MuxHandler;
  nowMs: number;
  /** Bytes, see `window.ts`. */
  budget?: number;
  /** What this tunnel shares with others. */
  sharedBudget?: Budget | undefined;
  maxStreams?: number;
}

/** Control frames that wait: more means that the peer makes us answer and does not read. HELLO and ACLs are the Client's. */
const controlLimit = { client: 16 * 1024 * 1024, connector: 1024 * 1024 };
/** Bulk counts as alone when nothing came for another stream for so long, but for other bulk. */
const aloneAfterMs = 100;
/** A PING this often while bytes flow, to know the round trip. */
const measureMs = 2_000;

export class Mux {
  readonly #role: 'client' | 'connector';
  readonly #handler: MuxHandler;
  readonly #maxStreams: number;
  readonly #decoder = new Decoder();
  readonly #streams = new Map<number, MuxStream>();
  readonly #outbox = new Outbox((stream) => this.#endIfDone(stream));
  readonly #trip = new RoundTrip();
  readonly budget: Budget;
  /** The highest stream opened. */
  #highest = 0;
  /** HELLO or WELCOME has come. */
  #greeted = false;
  #refusing: ErrorCode | undefined;
  #flowFrames = 0;
  /** When something last came for a stream that does not fill the tunnel, for which one, and for any but that one. */
  #smallAt = Number.NEGATIVE_INFINITY;
  #smallOf = 0;
  #smallOfOthersAt = Number.NEGATIVE_INFINITY;
  #now: number;
  #heardAt: number;

  constructor(o: MuxOptions) {
    this.#role = o.role;
    this.#handler = o.handler;
    this.#maxStreams = o.maxStreams ?? maxStreams;
    this.budget = new Budget(o.budget, o.sharedBudget);
    this.#now = o.nowMs;
    this.#heardAt = o.nowMs;
  }

  /** Live streams. */
  get size(): number {
    return this.#streams.size;
  }

  /** Smallest round trip of late, in milliseconds; NaN while unknown. */
  get rttMs(): number {
    return this.#trip.ms;
  }

  /** Frames of streams that have come or gone: what keeps a path alive is not among them. */
  get flowFrames(): number {
    return this.#flowFrames + this.#outbox.framesServed;
  }

  /** When bytes last came. */
  get heardAt(): number {
    return this.#heardAt;
  }

  // What comes in.

  /** @returns the code that ends the tunnel: send what `fill` still gives (GOAWAY), then close. */
  receive(chunk: Uint8Array, nowMs: number): ErrorCode | undefined {
    this.#now = nowMs;
    this.#heardAt = nowMs;
    const code =
      this.#outbox.control.length > controlLimit[this.#role]
        ? 'limit_reached'
        : this.#decoder.push(chunk, this);
    if (code !== undefined) this.end(code);
    else if (!this.#trip.waiting && !(nowMs - this.#trip.sentAt < measureMs)) this.ping(nowMs);
    return code;
  }

  /** For the decoder. */
  onData(id: number, slice: Uint8Array): ErrorCode | undefined {
    this.#flowFrames++;
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#late(id);
    if (stream.peerFinished || stream.protocol !== 'tcp' || (this.#role === 'client' && !stream.opened)) {
      return 'protocol_error';
    }
    if (!stream.window.receive(slice.length)) return 'flow_control_violated';
    if (!stream.window.isBulk(this.#now)) this.#noteSmall(id);
    stream.handler.onData(slice);
    return undefined;
  }

  /** For the decoder. */
  onFrame(type: number, id: number, payload: Uint8Array): ErrorCode | undefined {
    if (id === 0) return this.#onTunnelFrame(type, payload);
    this.#flowFrames++;
    if (this.#role === 'connector' && !this.#greeted) return 'protocol_error';
    if (type === frameTypes.OPEN) return this.#onOpen(id, payload);
    if (type < frameTypes.OPEN) return 'protocol_error';
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#late(id);
    switch (type) {
      case frameTypes.OPENED: {
        const opened = parseOpened(payload);
        if (this.#role !== 'client' || stream.opened || opened === undefined) return 'protocol_error';
        stream.opened = true;
        stream.handler.onOpened(opened.resolved);
        return this.#onCredit(stream, opened.credit);
      }
      case frameTypes.CREDIT:
        return payload.length < 4 ? 'protocol_error' : this.#onCredit(stream, readUint32(payload, 0));
      case frameTypes.FIN:
        if (stream.peerFinished || (this.#role === 'client' && !stream.opened)) return 'protocol_error';
        stream.peerFinished = true;
        stream.window.finish();
        stream.handler.onEnd();
        this.#endIfDone(stream);
        return undefined;
      case frameTypes.RESET: {
        const code = parseCode(payload);
        if (code === undefined) return 'protocol_error';
        this.#forget(stream);
        stream.handler.onReset(code);
        return undefined;
      }
      case frameTypes.DATAGRAM:
        if (stream.protocol === 'tcp' || stream.peerFinished) return 'protocol_error';
        this.#noteSmall(id);
        stream.handler.onDatagram(payload);
        return undefined;
      default:
        return undefined;
    }
  }

  #onTunnelFrame(type: number, payload: Uint8Array): ErrorCode | undefined {
    const isClient = this.#role === 'client';
    if (!isClient && !this.#greeted && type !== frameTypes.HELLO) return 'protocol_error';
    switch (type) {
      case frameTypes.HELLO: {
        const said = parseJson(hello, payload);
        if (isClient || this.#greeted || said === undefined) return 'protocol_error';
        this.#greeted = true;
        this.#handler.onHello(said);
        return undefined;
      }
      case frameTypes.WELCOME:
        if (!isClient || this.#greeted || parseJson(welcome, payload) === undefined) return 'protocol_error';
        this.#greeted = true;
        this.#handler.onWelcome();
        return undefined;
      case frameTypes.ACL: {
        const renewed = parseJson(acl, payload);
        if (isClient || renewed === undefined) return 'protocol_error';
        this.#handler.onAcl(renewed.acl);
        return undefined;
      }
      case frameTypes.GOAWAY: {
        const code = parseCode(payload);
        if (code === undefined) return 'protocol_error';
        if (isClient) this.#refusing ??= code;
        this.#handler.onGoAway(code);
        return undefined;
      }
      case frameTypes.PING:
      case frameTypes.PONG:
        if (payload.length < 8) return 'protocol_error';
        if (type === frameTypes.PONG) this.#trip.pong(payload, this.#now);
        else this.#send(encodeFrame('PONG', 0, payload.subarray(0, 8)));
        return undefined;
      default:
        return 'protocol_error';
    }
  }

  #onOpen(id: number, payload: Uint8Array): ErrorCode | undefined {
    const request = parseOpen(payload);
    if (this.#role !== 'connector' || request === undefined || id !== this.#highest + 1)
      return 'protocol_error';
    this.#highest = id;
    const refused = this.#refusing ?? (this.#streams.size >= this.#maxStreams ? 'limit_reached' : undefined);
    if (refused !== undefined) {
      this.#send(encodeCode('RESET', id, refused));
      return undefined;
    }
    const window = new ReceiveWindow(this.budget, initialCredit, this.#now);
    const stream = new MuxStream(id, request.destination.protocol, window, request.credit, unhandled);
    this.#streams.set(id, stream);
    stream.handler = this.#handler.onOpen(stream, request);
    return undefined;
  }

  #onCredit(stream: MuxStream, bytes: number): ErrorCode | undefined {
    stream.credit += bytes;
    if (stream.credit > 0xffffffff) return 'flow_control_violated';
    this.#turn(stream);
    return undefined;
  }

  #noteSmall(id: number): void {
    if (id !== this.#smallOf) this.#smallOfOthersAt = this.#smallAt;
    this.#smallOf = id;
    this.#smallAt = this.#now;
  }

  /** A frame for a stream that has ended here is late; one for a stream that never was, wrong. */
  #late(id: number): ErrorCode | undefined {
    return id === 0 || id > this.#highest ? 'protocol_error' : undefined;
  }

  // What goes out.

  hello(o: { connectionToken: string; acl: string }): void {
    this.#send(encodeJson('HELLO', { capability, connection_token: o.connectionToken, acl: o.acl }));
  }

  welcome(): void {
    this.#send(encodeJson('WELCOME', { capability }));
  }

  renewAcl(jwt: string): void {
    this.#send(encodeJson('ACL', { acl: jwt }));
  }

  ping(nowMs: number): void {
    this.#send(encodeFrame('PING', 0, this.#trip.ping(nowMs)));
  }

  /** A Client's stream; the frame leaves with the next `fill`. @throws RangeError when a field does not fit. */
  open(request: Omit<OpenRequest, 'credit'>, handler: StreamHandler): Verdict<{ stream: MuxStream }> {
    if (this.#refusing !== undefined) return refuse(this.#refusing);
    if (this.#streams.size >= this.#maxStreams || this.#highest === 0xffffffff)
      return refuse('limit_reached');
    const { protocol } = request.destination;
    const credit = this.budget.fresh();
    const frame = encodeOpen(this.#highest + 1, { ...request, credit });
    const id = ++this.#highest;
    const stream = new MuxStream(
      id,
      protocol,
      new ReceiveWindow(this.budget, credit, this.#now),
      initialCredit,
      handler,
    );
    this.#streams.set(id, stream);
    this.#flowFrames++;
    this.#send(frame);
    return { ok: true, stream };
  }

  /** The destination was reached: the Connector's answer to `onOpen`. */
  accept(stream: MuxStream, resolved: string): void {
    if (stream.gone || stream.opened) return;
    stream.opened = true;
    const more = stream.peerFinished ? 0 : this.budget.fresh() - initialCredit;
    stream.window.widen(more);
    this.#send(encodeOpened(stream.id, more, resolved));
  }

  /** Bytes to send: not to be changed before `onSent`, and not to be followed by others before it. */
  send(stream: MuxStream, ...chunks: Uint8Array[]): void {
    if (stream.gone) return;
    for (const chunk of chunks) stream.give(chunk);
    if (stream.pendingBytes === 0) stream.handler.onSent();
    else this.#turn(stream);
  }

  /** One datagram. @returns false when one is lost: this one or, to make room for it, the oldest that waits. */
  sendDatagram(stream: MuxStream, bytes: Uint8Array): boolean {
    if (stream.gone || stream.finishing) return false;
    const whole = this.#outbox.giveDatagram(stream, bytes);
    this.#handler.onReady();
    return whole;
  }

  /** FIN, behind what was given to `send`. */
  finish(stream: MuxStream): void {
    if (stream.gone || stream.finishing) return;
    stream.finishing = true;
    this.#turn(stream);
  }

  /** The consumer has read so many bytes of what `onData` gave. */
  consumed(stream: MuxStream, bytes: number, nowMs: number): void {
    if (stream.gone || bytes === 0) return;
    const othersAt = stream.id === this.#smallOf ? this.#smallOfOthersAt : this.#smallAt;
    const shared = nowMs - othersAt < aloneAfterMs;
    const grant = stream.window.consume(bytes, nowMs, this.#trip.ms, shared);
    if (stream.peerFinished) return this.#endIfDone(stream);
    if (grant === 0) return;
    this.#outbox.grant(stream, grant);
    this.#handler.onReady();
  }

  /** Gives the stream up, both ways; nothing when it has ended. Its handler hears no more. */
  reset(stream: MuxStream, code: ErrorCode): void {
    if (stream.gone) return;
    const over = stream.finished && stream.peerFinished;
    this.#forget(stream);
    if (!over) this.#send(encodeCode('RESET', stream.id, code));
  }

  /** No new streams from now on: the Connector refuses them with this code. */
  goAway(code: ErrorCode): void {
    if (this.#refusing === code) return;
    this.#refusing = code;
    this.#send(encodeCode('GOAWAY', 0, code));
  }

  /** Ends every stream here, with this code, and says GOAWAY. */
  end(code: ErrorCode): void {
    this.goAway(code);
    for (const stream of [...this.#streams.values()]) {
      this.#forget(stream);
      stream.handler.onReset(code);
    }
  }

  /**
   * @param into at least `minFill` bytes, reusable once they are on their way.
   * @returns the number of bytes written; 0 = nothing to send.
   */
  fill(into: Uint8Array): number {
    return this.#outbox.fill(into);
  }

  #turn(stream: MuxStream): void {
    if (this.#outbox.turn(stream)) this.#handler.onReady();
  }

  #send(frame: Uint8Array): void {
    this.#outbox.control.push(frame);
    this.#handler.onReady();
  }

  /** Both have said FIN and all is read. */
  #endIfDone(stream: MuxStream): void {
    if (stream.finished && stream.peerFinished && stream.window.unread === 0) this.#forget(stream);
  }

  #forget(stream: MuxStream): void {
    this.#streams.delete(stream.id);
    stream.gone = true;
    this.#outbox.drop(stream);
    stream.window.release();
  }
}

const ignore = (): void => {};
const unhandled: StreamHandler = {
  onOpened: ignore,
  onData: ignore,
  onDatagram: ignore,
  onEnd: ignore,
  onReset: ignore,
  onSent: ignore,
};
