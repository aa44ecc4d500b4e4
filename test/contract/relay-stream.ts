/**
 * The byte stream behind a relay's door as the contract sees it, whatever carries it: what was received, and
 * how it ended.
 */
import type { Socket } from 'node:net';
import type WebSocket from 'ws';

/** A byte stream behind a door, whatever carries it. */
export abstract class Stream {
  #chunks: Buffer[] = [];
  /** Bytes received in all, and of those the ones not yet read. */
  total = 0;
  unread = 0;
  ended = false;
  /** `end`, `reset`, or the number of a WebSocket's close code. */
  readonly closed: Promise<string>;
  protected settle!: (how: string) => void;
  #waiters: (() => void)[] = [];

  constructor() {
    this.closed = new Promise((resolve) => {
      this.settle = resolve;
    });
    void this.closed.then(() => this.#wake());
  }

  protected took(bytes: Buffer): void {
    this.total += bytes.length;
    this.#chunks.push(bytes);
    this.unread += bytes.length;
    this.#wake();
  }

  protected sawEnd(): void {
    this.ended = true;
    this.#wake();
  }

  /** Waits until `length` bytes are there. */
  async read(length: number): Promise<Buffer> {
    await this.until(() => this.unread >= length);
    const all = this.readAll();
    this.#chunks = [all.subarray(length)];
    this.unread = all.length - length;
    return all.subarray(0, length);
  }

  readAll(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.unread = 0;
    return all;
  }

  async until(condition: () => boolean): Promise<void> {
    let over = false;
    void this.closed.then(() => {
      over = true;
    });
    while (!condition()) {
      if (over) throw new Error(`the stream is over: ${await this.closed}`);
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  abstract write(bytes: Buffer): Promise<void>;
  abstract finish(): void;
  abstract destroy(): void;
  abstract pause(): void;
  abstract resume(): void;
}

export class RawStream extends Stream {
  readonly #socket: Socket;
  #halfOpen = false;
  constructor(socket: Socket, head: Buffer) {
    super();
    this.#socket = socket;
    if (head.length > 0) this.took(head);
    let how = 'end';
    socket.on('data', (bytes: Buffer) => this.took(bytes));
    socket.on('end', () => {
      this.sawEnd();
      if (!this.#halfOpen) socket.end();
    });
    socket.on('error', () => {
      how = 'reset';
    });
    socket.on('close', () => this.settle(how));
  }
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => this.#socket.write(bytes, (e) => (e ? reject(e) : resolve())));
  }
  finish(): void {
    this.#socket.end();
  }
  /** Goes on sending after the other side has finished. */
  stayHalfOpen(): void {
    this.#halfOpen = true;
  }
  destroy(): void {
    if ('encrypted' in this.#socket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
}

export class SocketStream extends Stream {
  readonly webSocket: WebSocket;
  readonly texts: string[] = [];
  /** Whether marks are answered. */
  acknowledge = true;
  constructor(webSocket: WebSocket) {
    super();
    this.webSocket = webSocket;
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) return this.took(data as Buffer);
      this.texts.push(String(data));
      const message = parseJson(String(data));
      if (message?.type === 'mark' && this.acknowledge) {
        webSocket.send(JSON.stringify({ type: 'seen', n: message.n }));
      }
      this.took(Buffer.alloc(0));
    });
    webSocket.on('error', () => {});
    webSocket.on('close', (code) => this.settle(code === 1000 || code === 1005 ? 'end' : String(code)));
    webSocket.resume();
  }
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) =>
      this.webSocket.send(bytes, { binary: true }, (e) => (e ? reject(e) : resolve())),
    );
  }
  finish(): void {
    this.webSocket.close(1000);
  }
  destroy(): void {
    this.webSocket.terminate();
  }
  pause(): void {
    this.webSocket.pause();
  }
  resume(): void {
    this.webSocket.resume();
  }
}

export function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
