/**
 * A paired WebSocket as a byte stream: binary messages in any division are the stream, text belongs to the
 * relay. A reader that falls behind pauses the socket, a socket that falls behind holds up the writer. A relay
 * that has no backpressure asks how far its reader is (`mark`) and tells the writer how far it may go (`room`).
 */
import { Duplex } from 'node:stream';
import type WebSocket from 'ws';
import { codeOf, SallyportError } from '#schema/errors.ts';
import { type OnPair, onPair } from '#schema/relay/wire.ts';
import { BlockPool } from '../block-pool.ts';

/** Small writes are joined up to this length and long ones cut: best for relays at the edge. */
const chunkBytes = 256 * 1024;
/** In which they are joined. */
const blocks = new BlockPool(chunkBytes, 8);

type Done = (error?: Error | null) => void;

export class WebSocketCarrier extends Duplex {
  readonly #socket: WebSocket;
  #sent = 0;
  /** Bytes that may have been sent in all. */
  #room = Number.POSITIVE_INFINITY;
  /** Goes on once there is room. */
  #held: (() => void) | undefined;

  /** @param socket open and paused, as `openWebSocket` returns it. */
  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false, readableHighWaterMark: chunkBytes, writableHighWaterMark: chunkBytes });
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      if (this.destroyed) return;
      if (!isBinary) this.#control(String(data));
      else if (!this.push(data as Buffer)) socket.pause();
    });
    socket.on('error', (cause) => this.destroy(new SallyportError('peer_gone', undefined, { cause })));
    socket.on('close', (code) => this.#closed(code));
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#sendAll(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    const block = blocks.take();
    let length = 0;
    for (const { chunk } of chunks) {
      if (length + chunk.length > block.length) {
        blocks.give(block);
        return this.#sendAll(Buffer.concat(chunks.map((one) => one.chunk)), done);
      }
      block.set(chunk, length);
      length += chunk.length;
    }
    this.#sendAll(block.subarray(0, length), (error) => {
      // After an error the system may still hold it: then it is left to the collector.
      if (!error) blocks.give(block);
      done(error);
    });
  }

  override _final(done: Done): void {
    this.#socket.close(1000);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const socket = this.#socket;
    if (error) socket.terminate();
    else if (socket.readyState !== socket.CLOSED) {
      socket.close(1000);
      socket.resume(); // The peer's close frame must still be read.
      setTimeout(() => socket.terminate(), 1_000).unref();
    }
    done(error);
  }

  /** `ws` calls back when the bytes have gone to the kernel: that is the backpressure. */
  #sendAll(bytes: Buffer, done: Done): void {
    let at = 0;
    const next = (error?: Error | null) => {
      if (error) return done(error);
      if (at >= bytes.length) return done();
      const most = Math.min(chunkBytes, this.#room - this.#sent);
      if (most <= 0) {
        this.#held = next;
        return;
      }
      const part = bytes.subarray(at, at + most);
      at += part.length;
      this.#sent += part.length;
      this.#socket.send(part, { binary: true, compress: false }, next);
    };
    next();
  }

  #control(text: string): void {
    const message = parse(text);
    if (message?.type === 'mark') {
      this.#socket.send(JSON.stringify({ type: 'seen', n: message.n } satisfies OnPair));
    } else if (message?.type === 'room') {
      this.#room = message.n;
      const held = this.#held;
      this.#held = undefined;
      held?.();
    } else if (message?.type === 'restarting') {
      this.emit('restarting', message);
    }
  }

  #closed(code: number): void {
    if (code > 4000 && code < 4256) this.destroy(new SallyportError(codeOf(code - 4000)));
    else if (code === 1000 || code === 1005) this.push(null);
    else this.destroy(new SallyportError('peer_gone', `the relay closed the connection (${code})`));
  }
}

function parse(text: string): OnPair | undefined {
  try {
    return onPair.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
