/**
 * A raw byte stream as a line: after `Upgrade: sallyport` the socket itself. Bytes are read into one buffer
 * that is used over and over and written straight from it to the other socket; the next read happens once
 * the kernel has taken them all. So a session holds no queue, and a slow receiver slows its sender down.
 */
import { Socket } from 'node:net';
import type { ErrorCode } from '#schema/errors.ts';
import { resetSocket } from '../link/reset-socket.ts';
import { type Line, type LineEvents, lingerMs } from './line.ts';
import { ReadBuffer } from './read-buffer.ts';

export class RawLine implements Line {
  readonly #socket: Socket;
  readonly #events: LineEvents;
  readonly #buffer = new ReadBuffer();
  #closed = false;
  #paused = false;
  /** Handed over to the kernel, but not yet taken. */
  #unsent = false;

  /** @param socket just upgraded, with nothing left unread in it. */
  constructor(socket: Socket, events: LineEvents) {
    this.#events = events;
    this.#socket = takeOver(socket, this.#buffer, (bytes) => this.#read(bytes));
    this.#socket.on('end', () => events.ended());
    this.#socket.on('error', () => this.#end('peer_gone'));
    this.#socket.on('close', () => this.#end(null));
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, 30_000);
  }

  /** To be called once both lines of a session are there. */
  start(early: Buffer): void {
    if (early.length > 0 && !this.#events.bytes(early)) this.#paused = true;
    else this.#socket.resume();
  }

  send(bytes: Buffer): boolean {
    if (!this.#socket.writable) return true;
    this.#socket.write(bytes, this.#sent);
    if (this.#socket.writableLength === 0) return true;
    this.#unsent = true;
    return false;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#buffer.free = true;
    this.#socket.resume();
  }

  tell(): void {}

  finish(): void {
    this.#socket.end();
  }

  close(code: ErrorCode | null): void {
    if (this.#closed) return;
    if (code === null) {
      this.#socket.end();
      this.#socket.resume();
      setTimeout(() => this.#socket.destroy(), lingerMs).unref();
    } else if (isTls(this.#socket)) {
      this.#socket.destroy();
    } else {
      resetSocket(this.#socket);
    }
  }

  #read(bytes: Buffer): boolean {
    if (this.#events.bytes(bytes)) return true;
    this.#paused = true;
    this.#buffer.free = false;
    return false;
  }

  readonly #sent = (): void => {
    if (!this.#unsent || this.#socket.writableLength > 0) return;
    this.#unsent = false;
    this.#events.ready();
  };

  #end(code: ErrorCode | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffer.release();
    this.#events.closed(code);
  }
}

const isTls = (socket: Socket): boolean => 'encrypted' in socket;

interface Handle {
  readStop(): number;
  reading: boolean;
}

/**
 * The same connection as a Socket that reads into a buffer of ours (`onread`). Node offers that for sockets
 * that connect, not for those it accepts, so the handle moves into a new Socket; where that is not possible
 * (TLS, or another version of Node) the socket stays as it is, and each read allocates.
 */
function takeOver(socket: Socket, buffer: ReadBuffer, read: (bytes: Buffer) => boolean): Socket {
  const held = socket as unknown as { _handle?: Handle | null };
  const handle = held._handle;
  if (isTls(socket) || typeof handle?.readStop !== 'function') {
    socket.on('data', (bytes: Buffer) => {
      if (!read(bytes)) socket.pause();
    });
    return socket;
  }
  handle.readStop();
  handle.reading = false;
  held._handle = null;
  const taken = new Socket({
    handle,
    allowHalfOpen: true,
    manualStart: true,
    onread: {
      buffer: () => buffer.next(),
      callback: (length: number) => read(buffer.take(length)),
    },
  } as unknown as ConstructorParameters<typeof Socket>[0]);
  taken.pause();
  socket.destroy();
  return taken;
}
