/**
 * Runs a mux (`schema/tunnel/mux.ts`) on the pinned TLS socket: what is read goes in, what the mux has to
 * send is gathered once per turn of the event loop into few large writes, of which only so much is under way at a
 * time that little waits in front of a small frame. `client.ts` and `connector.ts` each have one.
 */
import type { TLSSocket } from 'node:tls';
import type { ErrorCode } from '#schema/errors.ts';
import { Liveness, livenessTiming } from '#schema/path/liveness.ts';
import { Mux, type MuxHandler } from '#schema/tunnel/mux.ts';
import { BlockPool } from '../block-pool.ts';
import { readInPlace } from '../read-in-place.ts';
import type { TunnelOptions } from './client.ts';

export interface CarrierOptions extends TunnelOptions {
  role: 'client' | 'connector';
  handler: Omit<MuxHandler, 'onReady' | 'onGoAway'> & { onGoAway?(code: ErrorCode): void };
  /** Once, after every flow has ended. */
  onClosed(code: ErrorCode): void;
  /** The peer owes an answer, and later: it has spoken again. */
  onDoubt?(doubted: boolean): void;
}

/** The most that TLS hands over at once (RFC 8446 §5.1). */
const recordBytes = 16 * 1024;
/** One write: sixteen TLS records. */
const blocks = new BlockPool(256 * 1024, 16);
/** Writes under way per tunnel, the second only behind a short one. */
const writesAtOnce = 2;
const shortBytes = 128 * 1024;
/** A write that took so long waited for the peer to take what was written before. */
const congestedMs = 50;
/** For GOAWAY to leave before the socket is torn down. */
const lingerMs = 1_000;

export class Carrier {
  readonly mux: Mux;
  readonly now: () => number;
  readonly #socket: TLSSocket;
  readonly #o: CarrierOptions;
  readonly #liveness: Liveness;
  /** For the next look at it, and when that is due. */
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #doubted = false;
  #flowFrames = 0;
  #scheduled = false;
  #kept = false;
  /** Bytes handed to the socket that it has not passed on. */
  #underWay = 0;
  #writes = 0;
  #told: ErrorCode | undefined;
  #closing = false;
  #closeWhenIdle: ErrorCode | undefined;

  constructor(socket: TLSSocket, o: CarrierOptions) {
    this.#socket = socket;
    this.#o = o;
    this.now = o.now;
    this.#liveness = new Liveness(o.now(), { ...livenessTiming, ...o.liveness });
    const { onGoAway } = o.handler;
    this.mux = new Mux({
      role: o.role,
      nowMs: o.now(),
      sharedBudget: o.sharedBudget,
      handler: Object.assign(o.handler, {
        onReady: () => this.#schedule(),
        onGoAway: (code: ErrorCode) => {
          this.#told = code;
          onGoAway?.(code);
        },
      }),
    });
    let record = Buffer.allocUnsafeSlow(recordBytes);
    readInPlace(
      socket,
      () => {
        if (this.#kept) record = Buffer.allocUnsafeSlow(recordBytes);
        this.#kept = false;
        return record;
      },
      (chunk) => this.#receive(chunk),
    );
    socket.on('end', () => this.#gone(this.#told ?? 'peer_gone'));
    socket.on('error', () => this.#gone(this.#told ?? 'peer_gone'));
    socket.on('close', () => this.#gone(this.#told ?? 'peer_gone'));
    this.#lookWhenDue();
    // It may have ended between handshake and here.
    if (socket.destroyed) process.nextTick(() => this.#gone('peer_gone'));
  }

  get liveness(): Pick<Liveness, 'doubted' | 'atWork' | 'pingedAt'> {
    return this.#liveness;
  }

  /** Makes the peer say something, if it still can: else doubt follows soon. */
  probe(): void {
    const now = this.now();
    if (this.#liveness.press(now)) this.mux.ping(now);
    this.#lookWhenDue();
  }

  /** Tells the peer, ends every flow with this code, closes. */
  close(code: ErrorCode): void {
    if (this.#closing) return;
    this.mux.end(code);
    // Whatever is under way: nothing follows any more.
    this.#write();
    this.#finish(code);
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), lingerMs).unref();
  }

  /** Closes with the last flow. */
  goAway(code: ErrorCode): void {
    this.mux.goAway(code);
    this.#closeWhenIdle = code;
    this.#schedule();
  }

  /** During `onData` of a stream: the slice will be used after the call too. */
  keep(): void {
    this.#kept = true;
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closing) return;
    const now = this.now();
    this.#liveness.heard(now);
    const code = this.mux.receive(chunk, now);
    if (code !== undefined) return this.close(code);
    this.#noteWork(now);
    if (this.#doubted) this.#doubt(false);
  }

  /** Later in this turn of the event loop, after everything that was readable has been read. */
  #schedule(): void {
    if (this.#scheduled || this.#closing) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#closing) return;
    while (this.#writes < writesAtOnce && this.#underWay < shortBytes && this.#write());
    if (this.#closeWhenIdle !== undefined && this.mux.size === 0) this.close(this.#closeWhenIdle);
  };

  /** @returns whether there was anything to write. */
  #write(): boolean {
    const block = blocks.take();
    const length = this.mux.fill(block);
    if (length === 0) {
      blocks.give(block);
      return false;
    }
    const begun = this.now();
    this.#writes++;
    this.#underWay += length;
    this.#socket.write(block.subarray(0, length), () => {
      this.#writes--;
      this.#underWay -= length;
      blocks.give(block);
      // What leaves at once says only that this host, or a relay, had room for it.
      if (this.now() - begun >= congestedMs) this.#liveness.moved(this.now());
      this.#flush();
    });
    this.#noteWork(begun);
    return true;
  }

  #noteWork(now: number): void {
    const { flowFrames } = this.mux;
    if (flowFrames === this.#flowFrames) return;
    this.#flowFrames = flowFrames;
    this.#liveness.worked(now);
    this.#lookWhenDue();
  }

  /** A look that comes too early costs nothing, so that only an earlier one needs a timer of its own. */
  #lookWhenDue(): void {
    const { dueAt } = this.#liveness;
    if (this.#closing || dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    // What has arrived by then is read first: timers come before sockets, and these before `setImmediate`.
    this.#timer = setTimeout(setImmediate, Math.max(dueAt - this.now(), 0), this.#look).unref();
  }

  readonly #look = (): void => {
    if (this.#closing) return;
    const now = this.now();
    const step = this.#liveness.look(now, this.#dueAt);
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (step === 'close') return this.close('peer_gone');
    if (step === 'ping') this.mux.ping(now);
    if (this.#liveness.doubted && !this.#doubted) this.#doubt(true);
    this.#lookWhenDue();
  };

  #doubt(doubted: boolean): void {
    this.#doubted = doubted;
    this.#o.onDoubt?.(doubted);
  }

  /** The socket is no more. */
  #gone(code: ErrorCode): void {
    if (!this.#closing) {
      this.mux.end(code);
      this.#finish(code);
    }
    this.#socket.destroy();
  }

  #finish(code: ErrorCode): void {
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#o.log.debug('tunnel_closed', { code });
    this.#o.onClosed(code);
  }
}
