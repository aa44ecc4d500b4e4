/**
 * One flow inside a tunnel as a Duplex: writing carries it to the other side within the credit granted there,
 * reading grants credit. `end()` is a half-close. `ClientTunnel.openFlow` and `FlowRequest.accept` make them;
 * `splice.ts` joins one to a socket.
 */
import { Duplex } from 'node:stream';
import { type ErrorCode, SallyportError } from '#schema/errors.ts';
import type { MuxStream, StreamHandler } from '#schema/tunnel/stream.ts';
import { codeOfSocketError } from '../socket-error.ts';
import type { Carrier } from './carrier.ts';

export type Side = 'client' | 'connector';

/** Takes slices in place of the Readable: see `Flow.divert`. */
export interface Diversion {
  /** @returns whether the slice will be used after the call. */
  onData(slice: Uint8Array): boolean;
  onEnd(): void;
}

/** What a Duplex holds on either side before it asks to wait. */
const highWaterMark = 64 * 1024;
/** Shorter slices are copied: they would hold on to a whole record. */
const worthKeeping = 4 * 1024;
/** A first question or two, of the size that a network carries, wait for the flow to be accepted. */
const earlyDatagrams = 4;
const earlyLength = 1500;

export class Flow extends Duplex implements StreamHandler {
  #answer: PromiseWithResolvers<{ resolved: string }> | undefined;
  #resolved: string | undefined;
  readonly #carrier: Carrier;
  readonly #side: Side;
  #stream: MuxStream | undefined;
  #sent: (() => void) | undefined;
  #written = 0;
  #received = 0;
  /** Of what was received: read by the consumer. */
  #read = 0;
  #diversion: Diversion | undefined;
  #code: ErrorCode | undefined;
  #take: ((bytes: Uint8Array) => void) | undefined;
  /** Datagrams that came before anybody took them. */
  #held: Buffer[] = [];

  constructor(carrier: Carrier, side: Side) {
    super({ allowHalfOpen: true, highWaterMark, decodeStrings: true });
    this.#carrier = carrier;
    this.#side = side;
    this.on('error', ignore);
  }

  /** The Connector reached the destination, at this address. Rejects with SallyportError(code). */
  get opened(): Promise<{ resolved: string }> {
    if (this.#answer !== undefined) return this.#answer.promise;
    const answer = Promise.withResolvers<{ resolved: string }>();
    // Whoever uses the flow learns of its end; whoever does not must not be ended by it.
    answer.promise.catch(ignore);
    if (this.#resolved !== undefined) answer.resolve({ resolved: this.#resolved });
    else if (this.destroyed) answer.reject(this.errored ?? new SallyportError(this.#code ?? 'cancelled'));
    this.#answer = answer;
    return answer.promise;
  }

  /** Why the flow ended; undefined while it lives and after an orderly end. */
  get code(): ErrorCode | undefined {
    return this.#code;
  }

  /** Bytes from the Client towards the destination that have passed here. */
  get bytesUp(): number {
    return this.#side === 'client' ? this.#written : this.#received;
  }

  /** Bytes from the destination towards the Client that have passed here. */
  get bytesDown(): number {
    return this.#side === 'client' ? this.#received : this.#written;
  }

  /** Ends both directions; the peer sees `code`, nobody here sees an error. */
  reset(code: ErrorCode): void {
    if (this.destroyed) return;
    this.#code = code;
    this.destroy();
  }

  /**
   * UDP and ICMP: one datagram, which must not be changed any more. Received ones go to `takeDatagrams`, or
   * are 'datagram' events.
   * @returns false when it was dropped because too much waits.
   */
  sendDatagram(bytes: Uint8Array): boolean {
    if (this.#stream === undefined || !this.#carrier.mux.sendDatagram(this.#stream, bytes)) return false;
    this.#written += bytes.length;
    return true;
  }

  /**
   * Hands on received datagrams from now on, those that nobody was there for first.
   * @param take the bytes are valid during the call only.
   */
  takeDatagrams(take: (bytes: Uint8Array) => void): void {
    const held = this.#held;
    this.#held = [];
    this.#take = take;
    for (const bytes of held) take(bytes);
  }

  /**
   * Hands on what arrives without the Readable in between. Whoever takes it says `consumed` for every byte.
   * What was buffered so far is handed on at once.
   */
  divert(diversion: Diversion): void {
    for (let chunk = this.read(); chunk !== null; chunk = this.read()) {
      // Reading has accounted for it: take that back.
      this.#read -= chunk.length;
      diversion.onData(chunk);
    }
    this.#diversion = diversion;
    this.once('end', () => diversion.onEnd());
    this.resume();
  }

  /** Of a diverted flow: so many bytes have found their place. */
  consumed(bytes: number): void {
    this.#read += bytes;
    if (this.#stream !== undefined) this.#carrier.mux.consumed(this.#stream, bytes, this.#carrier.now());
  }

  // From the tunnel.

  attach(stream: MuxStream): void {
    this.#stream = stream;
  }

  /** No stream could be opened. */
  fail(error: SallyportError): void {
    this.#answer?.reject(error);
    this.destroy(error);
  }

  onOpened(resolved: string): void {
    this.#resolved = resolved;
    this.#answer?.resolve({ resolved });
    // Whoever has just accepted the flow listens by then.
    if (this.#held.length > 0) {
      process.nextTick(() => {
        if (this.#take === undefined && this.listenerCount('datagram') > 0)
          for (const bytes of this.#held.splice(0)) this.emit('datagram', bytes);
      });
    }
  }

  onData(slice: Uint8Array): void {
    this.#received += slice.length;
    if (this.#diversion !== undefined) {
      if (this.#diversion.onData(slice)) this.#carrier.keep();
      return;
    }
    if (slice.length < worthKeeping) this.push(Buffer.from(slice));
    else {
      this.#carrier.keep();
      this.push(slice);
    }
    this.#account();
  }

  onDatagram(bytes: Uint8Array): void {
    this.#received += bytes.length;
    if (this.#take !== undefined) this.#take(bytes);
    else if (this.listenerCount('datagram') > 0) this.emit('datagram', Buffer.from(bytes));
    else if (this.#held.length < earlyDatagrams && bytes.length <= earlyLength)
      this.#held.push(Buffer.from(bytes));
  }

  onEnd(): void {
    this.push(null);
  }

  onReset(code: ErrorCode): void {
    this.fail(new SallyportError(code));
  }

  onSent(): void {
    const sent = this.#sent;
    this.#sent = undefined;
    sent?.();
  }

  // To the stream machinery of Node.

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#stream === undefined) return;
    this.#written += chunk.length;
    this.#sent = done;
    this.#carrier.mux.send(this.#stream, chunk);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    if (this.#stream === undefined) return;
    this.#sent = done;
    for (const { chunk } of chunks) this.#written += chunk.length;
    this.#carrier.mux.send(this.#stream, ...chunks.map(({ chunk }) => chunk));
  }

  override _final(done: () => void): void {
    if (this.#stream === undefined) return;
    this.#sent = done;
    this.#carrier.mux.finish(this.#stream);
  }

  override read(size?: number): Buffer | null {
    const chunk = super.read(size);
    this.#account();
    return chunk;
  }

  /** Data is pushed as it comes: credit bounds it. */
  override _read(): void {}

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (error !== null) {
      this.#code = error instanceof SallyportError ? error.code : codeOfSocketError(error);
    } else if (!(this.readableEnded && this.writableFinished)) {
      this.#code ??= 'cancelled';
    }
    const code = this.#code ?? 'cancelled';
    if (this.#stream !== undefined) this.#carrier.mux.reset(this.#stream, code);
    // Errors are dear, and most flows end without one.
    if (this.#resolved === undefined) this.#answer?.reject(error ?? new SallyportError(code));
    this.#sent = undefined;
    done(error);
  }

  /** Whatever the Readable no longer holds has been read. */
  #account(): void {
    if (this.#diversion !== undefined || this.#stream === undefined) return;
    const read = this.#received - this.readableLength;
    if (read === this.#read) return;
    this.#carrier.mux.consumed(this.#stream, read - this.#read, this.#carrier.now());
    this.#read = read;
  }
}

const ignore = (): void => {};
