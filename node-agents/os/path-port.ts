/**
 * One local port from which many connections start, and at which a few addresses may come in: what direct
 * paths are made from (`link/path`). Node binds a connection to a port only alone (`localPort`), and a listener
 * only for everybody; here every socket of the port has SO_REUSEPORT, and a listener a filter of sources.
 */
import { createServer, type Server, Socket } from 'node:net';
import { SallyportError } from '#schema/errors.ts';
import { parseIp } from '#schema/name/ip.ts';
import { wordsOf } from './errno.ts';
import { native } from './ffi.ts';
import type { Family } from './ip.ts';
import { heedResets, ignoreResets } from './reset-filter.ts';
import { sockaddr, socketFamily } from './sockaddr.ts';
import { filterSources } from './source-filter.ts';

export interface PathPort {
  readonly family: Family;
  readonly port: number;
  /**
   * Like `net.connect`: 'connect' or 'error' follow.
   * @param deaf until it is connected, it takes no reset for an answer; where the host cannot do that, it does.
   * @throws SallyportError limit_reached.
   */
  connect(to: { address: string; port: number }, deaf?: boolean): Socket;
  /**
   * Until `close`, these addresses may come in; others get no answer. Once at most.
   * @returns whether this host lets the port be restricted so; else there is no listener.
   */
  listen(from: readonly string[], onSocket: (socket: Socket) => void): boolean;
  /** Connections that were made live on. */
  close(): void;
}

/**
 * @param mark SO_MARK of every socket, so that they go past the TUN device (`route-plan.ts`).
 * @returns undefined where the host has no such family, no Linux or no `node:ffi`.
 */
export function openPathPort(family: Family, mark?: number): PathPort | undefined {
  try {
    return new Port(family, mark);
  } catch (error) {
    if (error instanceof SallyportError) return undefined;
    throw error;
  }
}

/** One of each family that this host has. */
export function openPathPorts(mark?: number): PathPort[] {
  return ([4, 6] as const).flatMap((family) => openPathPort(family, mark) ?? []);
}

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_MARK = 36;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** Connections that wait to be accepted. */
const backlog = 8;

class Port implements PathPort {
  readonly family: Family;
  readonly port: number;
  readonly #mark: number | undefined;
  /** Holds the port; becomes the listener. */
  #held: number | undefined;
  #server: Server | undefined;

  constructor(family: Family, mark: number | undefined) {
    this.family = family;
    this.#mark = mark;
    this.#held = this.#bound(0);
    this.port = portOf(this.#held);
  }

  connect({ address, port }: { address: string; port: number }, deaf = false): Socket {
    const fd = this.#bound(this.port);
    const socket = new Socket({ fd, readable: true, writable: true });
    if (deaf && ignoreResets(fd)) socket.once('connect', () => heedResets(fd));
    return socket.setNoDelay().connect({ host: address, port, family: this.family });
  }

  listen(from: readonly string[], onSocket: (socket: Socket) => void): boolean {
    const fd = this.#held;
    const allowed = from
      .flatMap((text) => parseIp(text) ?? [])
      .filter(({ family }) => family === this.family);
    if (fd === undefined || allowed.length === 0 || !filterSources(fd, allowed)) return false;
    this.#held = undefined;
    this.#server = createServer({ noDelay: true }, onSocket);
    // What is wrong with the listener must not end what works without it.
    this.#server.on('error', () => {}).listen({ fd, backlog });
    return true;
  }

  close(): void {
    this.#server?.close();
    if (this.#held !== undefined) native().close(this.#held);
    this.#held = undefined;
  }

  #bound(port: number): number {
    const os = native();
    const fd = os.socket(socketFamily(this.family), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new SallyportError('limit_reached', `a socket: ${wordsOf(os.errno())}`);
    const set = (level: number, option: number, value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return os.setsockopt(fd, level, option, bytes, 4) === 0;
    };
    const address = sockaddr(
      { family: this.family, bytes: new Uint8Array(this.family === 4 ? 4 : 16) },
      port,
    );
    const done =
      set(SOL_SOCKET, SO_REUSEADDR, 1) &&
      set(SOL_SOCKET, SO_REUSEPORT, 1) &&
      (this.family === 4 || set(IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
      (this.#mark === undefined || set(SOL_SOCKET, SO_MARK, this.#mark)) &&
      os.bind(fd, address, address.length) === 0;
    if (done) return fd;
    const why = wordsOf(os.errno());
    os.close(fd);
    throw new SallyportError('limit_reached', `a port for direct paths: ${why}`);
  }
}

function portOf(fd: number): number {
  const address = Buffer.alloc(28);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  native().getsockname(fd, address, length);
  return address.readUInt16BE(2);
}
