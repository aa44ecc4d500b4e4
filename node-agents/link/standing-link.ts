/**
 * A WebSocket that an agent wants to have at all times: it is opened, kept alive by the text `ping`, missed
 * when `pong` stays away, and opened again with full jitter for ever. The control channel (`control.ts`) and
 * a Connector's registration at a relay (`relay/register.ts`) are two of them.
 */
import type WebSocket from 'ws';
import { pingInterval, pongTimeout } from '#schema/control/messages.ts';
import { SallyportError } from '#schema/errors.ts';
import { type Backoff, backoff } from '../process/backoff.ts';
import type { Log } from '../process/log.ts';
import { fraction, type Random } from '../process/random.ts';
import type { UnreachableCode } from './failure.ts';
import type { Outward } from './outward.ts';

export interface LinkTiming {
  pingMs: number;
  pongMs: number;
  /** For the answer to a ping that could not wait. */
  probeMs: number;
  /** For the upgrade, and again for the word that establishes the link. */
  openMs: number;
  firstRetryMs: number;
  lastRetryMs: number;
}

export const linkTiming: LinkTiming = {
  pingMs: pingInterval * 1000,
  pongMs: pongTimeout * 1000,
  probeMs: 3_000,
  openMs: 10_000,
  firstRetryMs: 500,
  lastRetryMs: 30_000,
};

export interface StandingLinkOptions {
  protocol: string;
  messageBytes: number;
  unreachable: UnreachableCode;
  /** Asked before each attempt: where to, and with which credentials. */
  prepare(): Promise<{ url: string; headers: Record<string, string> }>;
  /** The socket is open: say hello. */
  onOpen?(): void;
  /** Every text but `pong`. */
  onText(text: string): void;
  onConnecting(): void;
  /** The link is gone or could not be made; it comes back by itself unless `stop` is called from here. */
  onDown(error: SallyportError): void;
  reasonOfClose(code: number): SallyportError;
  /** Milliseconds by a clock that does not follow the Controller's. */
  now(): number;
  random: Random;
  log: Log;
  timing?: Partial<LinkTiming> | undefined;
  outward?: Outward | undefined;
}

/** Unsent bytes beyond which nothing more is taken. */
const unsentLimit = 4 * 1024 * 1024;

export class StandingLink {
  readonly #o: StandingLinkOptions;
  readonly #timing: LinkTiming;
  readonly #backoff: Backoff;
  readonly #ended = new AbortController();
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastHeardMs = Number.NEGATIVE_INFINITY;
  #established = false;
  /** Until it is heard again. */
  #probing = false;
  /** Between two attempts. */
  #waiting = false;
  #returnAfterMs: number | undefined;
  #eagerUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: StandingLinkOptions) {
    this.#o = options;
    this.#timing = { ...linkTiming, ...options.timing };
    const { firstRetryMs, lastRetryMs } = this.#timing;
    this.#backoff = backoff({ firstMs: firstRetryMs, maxMs: lastRetryMs, random: options.random });
    queueMicrotask(() => void this.#connect()); // Nobody is called back before they hold this object.
  }

  /** When anything was last received, the peer's end of the link included, by `now`; -Infinity when never. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  /** @returns false when it was not taken: the link is down, or too much is still unsent. */
  send(text: string): boolean {
    const socket = this.#socket;
    if (!socket || socket.readyState !== socket.OPEN || socket.bufferedAmount > unsentLimit) return false;
    socket.send(text);
    return true;
  }

  /** The peer has accepted us: the next failure starts from a short wait again. */
  established(): void {
    this.#established = true;
    this.#backoff.reset();
    this.#listen();
  }

  /** Something speaks against the peer being there: it has to say something within `probeMs`. */
  probe(): void {
    if (this.#probing || !this.#established || !this.send('ping')) return;
    this.#probing = true;
    this.#expect(this.#timing.probeMs, 'has fallen silent');
  }

  /**
   * The peer is about to restart and will close: come back after `waitMs` plus jitter, and until `tryForMs`
   * from now without ever longer waits.
   */
  returnAfter(waitMs: number, tryForMs = 0): void {
    const longest = this.#timing.lastRetryMs * 10; // Whatever a peer says, we do come back.
    this.#returnAfterMs = Math.min(Math.max(waitMs, 0), longest);
    this.#eagerUntilMs = this.#o.now() + Math.min(tryForMs, longest);
  }

  /** Something speaks for the peer being back: a wait for the next attempt is cut short. */
  hurry(): void {
    if (!this.#waiting) return;
    this.#backoff.reset();
    this.#connectAfter(this.#backoff.next());
  }

  /** Breaks the present socket off; the link comes back as after any failure. */
  drop(code: number, reason: SallyportError): void {
    const socket = this.#socket;
    if (!socket) return;
    socket.close(code);
    this.#down(socket, reason);
  }

  /** For ever. */
  stop(): void {
    this.#waiting = false;
    this.#ended.abort();
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.close(1000);
    setTimeout(() => socket.terminate(), 1_000).unref();
  }

  async #connect(): Promise<void> {
    const { signal } = this.#ended;
    if (signal.aborted) return;
    this.#waiting = false;
    this.#o.onConnecting();
    try {
      const { url, headers } = await this.#o.prepare();
      const { protocol, messageBytes, unreachable: code, outward } = this.#o;
      const { openMs: timeoutMs } = this.#timing;
      // Not before it is needed: a tenth of what a Client loads.
      const { openWebSocket } = await import('./websocket.ts');
      this.#adopt(
        await openWebSocket({ url, headers, protocol, messageBytes, timeoutMs, signal, code, outward }),
      );
    } catch (error) {
      this.#failed(asSallyport(error));
    }
  }

  #adopt(socket: WebSocket): void {
    if (this.#ended.signal.aborted) return socket.terminate();
    this.#socket = socket;
    this.#established = false;
    let brokenHere = false;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      brokenHere = error.code !== 'ECONNRESET';
      this.#o.log.debug('link_error', { error });
    });
    socket.on('close', (code) => {
      // A link that the peer or its machine has ended stood until now, however long nothing was said.
      if (this.#socket === socket && !brokenHere) this.#lastHeardMs = this.#o.now();
      this.#down(socket, this.#o.reasonOfClose(code));
    });
    socket.on('message', (data, isBinary) => {
      if (this.#socket === socket) this.#heard(socket, isBinary ? undefined : String(data));
    });
    this.#lastHeardMs = this.#o.now();
    this.#expect(this.#timing.openMs, 'did not say that we are accepted');
    this.#o.onOpen?.();
    socket.resume();
  }

  #heard(socket: WebSocket, text: string | undefined): void {
    this.#lastHeardMs = this.#o.now();
    if (text === undefined) return this.drop(1003, new SallyportError('protocol_error', 'a binary message'));
    if (this.#established) this.#listen();
    if (text === 'pong') return;
    try {
      this.#o.onText(text);
    } catch (error) {
      this.#o.log.error('link_message_failed', { error });
      if (this.#socket === socket) this.drop(1011, asSallyport(error));
    }
  }

  /** Silence for `pingMs` is broken by a ping, and silence after that by giving up. */
  #listen(): void {
    this.#probing = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.send('ping');
      this.#expect(this.#timing.pongMs, 'has fallen silent');
    }, this.#timing.pingMs);
  }

  #expect(withinMs: number, otherwise: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const socket = this.#socket;
      socket?.terminate();
      if (socket) this.#down(socket, new SallyportError('peer_gone', `the peer ${otherwise}`));
    }, withinMs);
  }

  #down(socket: WebSocket, error: SallyportError): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#failed(error);
  }

  #failed(error: SallyportError): void {
    clearTimeout(this.#timer);
    if (this.#ended.signal.aborted) return;
    this.#o.onDown(error);
    if (this.#ended.signal.aborted) return;
    const announced = this.#returnAfterMs ?? this.#eagerMs();
    this.#returnAfterMs = undefined;
    const waitMs = announced === undefined ? this.#backoff.next() : jittered(announced, this.#o.random);
    this.#o.log.debug('link_retry', { in_ms: waitMs, code: error.code, reason: error.message });
    this.#connectAfter(waitMs);
  }

  #connectAfter(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#waiting = true;
    this.#timer = setTimeout(() => void this.#connect(), waitMs);
  }

  /** The wait before an attempt while a peer is expected back. */
  #eagerMs(): number | undefined {
    return this.#o.now() < this.#eagerUntilMs ? this.#timing.firstRetryMs : undefined;
  }
}

/** Up to half as long again: a restart sends everybody away at the same moment. */
const jittered = (ms: number, random: Random): number =>
  Math.round(ms + fraction(random) * Math.max(ms / 2, 250));

const asSallyport = (error: unknown): SallyportError =>
  error instanceof SallyportError
    ? error
    : new SallyportError('internal_error', error instanceof Error ? error.message : undefined, {
        cause: error,
      });
