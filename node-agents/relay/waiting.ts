/**
 * An upgrade request that has not been answered yet: a Client until its Connector accepts, anybody until the
 * door has decided. It is a line too, one that can only be closed, which answers with the problem. It
 * notices when the other side gives up, and keeps the few bytes that may arrive ahead of the answer.
 */
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '#schema/errors.ts';
import { problemOf } from '#schema/relay/problem.ts';
import { rawUpgrade } from '#schema/relay/wire.ts';
import type { Line } from './line.ts';

/** A TLS ClientHello fits several times over. */
const earlyLimit = 16 * 1024;

export class Waiting implements Line {
  readonly socket: Duplex;
  readonly #now: () => number;
  readonly #early: Buffer[];
  #earlyBytes: number;
  #answered = false;
  /** Called when the other side gives up before it has an answer. */
  onGone: () => void = () => {};

  constructor(socket: Duplex, head: Buffer, now: () => number) {
    this.socket = socket;
    this.#now = now;
    this.#early = head.length > 0 ? [Buffer.from(head)] : [];
    this.#earlyBytes = head.length;
    socket.on('data', this.#keep).on('end', this.#gone).on('error', this.#gone).on('close', this.#gone);
  }

  /** Whether there is nobody to answer any more, or an answer was given. */
  get over(): boolean {
    return this.#answered;
  }

  /** Lets go of the socket. @returns what arrived early, or null when there is nobody to answer any more. */
  release(): Buffer | null {
    if (this.#answered) return null;
    this.#answered = true;
    const { socket } = this;
    // `pause` would outlive this: whoever takes over attaches a listener at once, before anything can arrive.
    socket.off('data', this.#keep).off('end', this.#gone).off('close', this.#gone);
    socket.off('error', this.#gone);
    return Buffer.concat(this.#early);
  }

  /** Answers 101 for a raw stream and lets go of the socket. */
  upgradeRaw(): Buffer | null {
    const early = this.release();
    if (early === null) return null;
    this.socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${rawUpgrade}\r\n\r\n`,
    );
    return early;
  }

  close(code: ErrorCode | null): void {
    if (this.#answered) return;
    this.#answered = true;
    this.socket.end(httpAnswer(code ?? 'peer_gone', this.#now()));
    setTimeout(() => this.socket.destroy(), 1_000).unref();
  }

  send(): boolean {
    return true;
  }
  resume(): void {}
  tell(): void {}
  finish(): void {}

  readonly #keep = (bytes: Buffer): void => {
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > earlyLimit) this.socket.destroy();
  };

  readonly #gone = (): void => {
    if (this.#answered) return;
    this.#answered = true;
    this.socket.destroy();
    this.onGone();
  };
}

function httpAnswer(code: ErrorCode, nowMs: number): string {
  const { status, headers, body } = problemOf(code, nowMs);
  const lines = Object.entries({
    connection: 'close',
    ...headers,
    'content-length': Buffer.byteLength(body),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${code}\r\n${lines.join('')}\r\n${body}`;
}
