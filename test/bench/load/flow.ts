/**
 * One TCP flow of the generator: to the origin directly, in TLS, or by CONNECT through a proxy. All flows read into
 * one buffer (their callbacks run before the next read), so that the generator allocates nothing per chunk.
 */
import { connect, type Socket } from 'node:net';
import type { ConnectorHash } from '#schema/ids.ts';

export interface Target {
  host: string;
  port: number;
  /** Absent: straight to the origin. */
  proxy?: { host: string; port: number };
  /** Spoken in the agents' TLS, to whoever has this key. */
  tls?: ConnectorHash;
}

export interface Receiver {
  /** The first `length` bytes of `buffer`, valid during the call only. */
  bytes(buffer: Uint8Array, length: number): void;
  /** FIN, with nothing after it. */
  end(): void;
  fail(error: Error): void;
}

const readBuffer = Buffer.allocUnsafeSlow(512 * 1024);

export const authority = (target: Target) => `${target.host}:${target.port}`;

/** Connected to the origin, through the proxy's tunnel when there is one. */
export async function openFlow(target: Target, receiver: Receiver): Promise<Socket> {
  if (target.tls !== undefined)
    return (await import('./tls.ts')).openTls(target, target.tls, readBuffer, receiver);
  if (!target.proxy) return dial(target, receiver);
  const tunnel = new ConnectAnswer(receiver);
  const socket = await dial(target.proxy, tunnel);
  socket.write(`CONNECT ${authority(target)} HTTP/1.1\r\nhost: ${authority(target)}\r\n\r\n`);
  try {
    await tunnel.opened;
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

/** Connected to the given address itself: the proxy, for requests in absolute-form. */
export function dial(to: { host: string; port: number }, receiver: Receiver): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: to.host,
      port: to.port,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        buffer: readBuffer,
        callback: (length, buffer) => {
          receiver.bytes(buffer as Uint8Array, length);
          return true;
        },
      },
    });
    socket.once('connect', () => resolve(socket));
    socket.once('end', () => receiver.end());
    socket.on('error', (error) => {
      reject(error);
      receiver.fail(error);
    });
  });
}

/** Reads the proxy's answer to CONNECT, then hands everything on. */
class ConnectAnswer implements Receiver {
  readonly opened: Promise<void>;
  readonly #receiver: Receiver;
  #open!: () => void;
  #refuse!: (error: Error) => void;
  #head: string | undefined = '';

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    this.opened.catch(() => {});
  }

  bytes(buffer: Uint8Array, length: number): void {
    if (this.#head === undefined) return this.#receiver.bytes(buffer, length);
    const before = this.#head.length;
    const text = this.#head + Buffer.from(buffer.buffer, buffer.byteOffset, length).toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#head = text;
      return;
    }
    this.#head = undefined;
    if (!/^HTTP\/1\.1 200 /.test(text)) return this.#refuse(new Error(`CONNECT: ${text.slice(0, 400)}`));
    this.#open();
    const used = end + 4 - before;
    if (used < length) this.#receiver.bytes(buffer.subarray(used), length - used);
  }

  end(): void {
    if (this.#head === undefined) this.#receiver.end();
    else this.fail(new Error('the proxy closed the connection before it answered CONNECT'));
  }

  fail(error: Error): void {
    this.#refuse(error);
    this.#receiver.fail(error);
  }
}
