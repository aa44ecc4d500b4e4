/**
 * What comes first on a program's connection to the proxy. A CONNECT whose head is there whole, and about
 * which there is nothing to interpret, is answered without a parser; everything else, whatever it is, goes to
 * node:http as it came (`http-proxy.ts`).
 */
import type { Socket } from 'node:net';

export interface FirstBytesOptions {
  /** For the first bytes to come. */
  withinMs: number;
  /** The connection is paused: read it, or resume it. */
  onConnect(socket: Socket, authority: string, early: Buffer): void;
  /** The connection is as it was when it was accepted. */
  onAnythingElse(socket: Socket): void;
  onLate(socket: Socket): void;
}

/** RFC 9112 §2.2 and §5, to the letter: no white space where there must be none, no folded lines. */
const plainConnect =
  /^CONNECT ([!-~]{1,300}) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/;
/** Would be a body, which CONNECT has none of (RFC 9110 §9.3.6): node:http may say what it thinks of it. */
const body = /\n(?:content-length|transfer-encoding):/i;
/** Heads of programs are a few hundred bytes. */
const longest = 8 * 1024;
const sweepMs = 1_000;

interface Waiting {
  /** Sweeps before it came. */
  since: number;
  leave(): void;
}

export class FirstBytes {
  readonly #o: FirstBytesOptions;
  /** Connections that have said nothing yet, the oldest first. */
  readonly #waiting = new Map<Socket, Waiting>();
  #sweeping: NodeJS.Timeout | undefined;
  #sweeps = 0;

  constructor(o: FirstBytesOptions) {
    this.#o = o;
  }

  accept(socket: Socket): void {
    const leave = (): void => {
      this.#waiting.delete(socket);
      socket.off('data', onData).off('end', onEnd);
    };
    const onData = (chunk: Buffer): void => {
      leave();
      socket.pause();
      const head = readHead(chunk);
      if (head !== undefined) return this.#o.onConnect(socket, head.authority, chunk.subarray(head.length));
      socket.unshift(chunk);
      this.#o.onAnythingElse(socket);
    };
    const onEnd = (): void => {
      leave();
      socket.destroy();
    };
    socket.on('error', ignore).on('end', onEnd).on('data', onData);
    this.#waiting.set(socket, { since: this.#sweeps, leave });
    this.#sweeping ??= setInterval(() => this.#sweep(), sweepMs).unref();
  }

  /** Those that have said nothing are nobody's. */
  closeIdle(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
    this.#waiting.clear();
  }

  #sweep(): void {
    const before = ++this.#sweeps - this.#o.withinMs / sweepMs;
    for (const [socket, { since, leave }] of this.#waiting) {
      if (socket.destroyed) leave();
      else if (since >= before) break;
      else {
        leave();
        this.#o.onLate(socket);
      }
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }
}

function readHead(chunk: Buffer): { authority: string; length: number } | undefined {
  if (chunk.length > longest) return undefined;
  const [head, authority] = plainConnect.exec(chunk.toString('latin1')) ?? [];
  if (head === undefined || authority === undefined || body.test(head)) return undefined;
  return { authority, length: head.length };
}

const ignore = (): void => {};
