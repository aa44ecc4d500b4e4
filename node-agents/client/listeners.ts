/**
 * The local ports that programs connect to: opened whatever becomes of the login, so that a program which starts at the
 * same moment gets an answer instead of a refused connection, and closed in order at the end. One that systemd
 * holds open (`SOCKETS.md`) refuses nobody while the Client restarts.
 */
import type { Socket as UdpSocket } from 'node:dgram';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import { resetSocket } from '#node-agents/link/reset-socket.ts';
import type { ListenAddress } from '#node-agents/process/config.ts';
import { SallyportError } from '#schema/errors.ts';

/** Connections older than up to twice this have lasted. */
const lastingMs = 15_000;
const probeAfterMs = 30_000;

export class Listeners {
  readonly #servers: Server[] = [];
  /** With whether it has lasted. */
  readonly #sockets = new Map<Socket, boolean>();
  readonly #timer: NodeJS.Timeout;
  readonly #datagrams: UdpSocket[] = [];
  /** Name → address as it came out, for the log and `status`. */
  readonly addresses: Record<string, string> = {};

  /** By flag: descriptors of sockets that listen already. */
  readonly #handed: Map<string, number>;

  constructor(handed: ReadonlyMap<string, number> = new Map()) {
    this.#handed = new Map(handed);
    this.#timer = setInterval(() => this.#probeLasting(), lastingMs).unref();
  }

  /** @param flag what to name in an error. @throws SallyportError address_in_use, config_invalid. */
  async add(name: string, flag: string, server: Server, { host, port }: ListenAddress): Promise<void> {
    const fd = this.#handed.get(flag);
    this.#handed.delete(flag);
    server.on('connection', (socket) => {
      this.#sockets.set(socket, false);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(whyNot(error, flag, `${bracketed(host)}:${port}`)));
      server.listen({ ...(fd === undefined ? { host, port } : { fd }), backlog: 1024 }, resolve);
    });
    // Running out of descriptors must not end the Client: the next accept may work again.
    server.removeAllListeners('error').on('error', () => {});
    this.#servers.push(server);
    const at = server.address() as AddressInfo;
    this.addresses[name] = `${bracketed(at.address)}:${at.port}`;
    if (fd !== undefined && at.port !== port)
      throw new SallyportError(
        'config_invalid',
        `--${flag} ${bracketed(host)}:${port}: the socket unit of that name listens at ${this.addresses[name]}; make both the same`,
      );
  }

  /** A socket without a listener would let programs wait for ever. @throws SallyportError config_invalid. */
  refuseUnclaimed(): void {
    for (const name of this.#handed.keys())
      throw new SallyportError(
        'config_invalid',
        `systemd hands over a socket named "${name}", which nothing here is for: FileDescriptorName= is the flag without dashes, such as http-proxy, and that flag must be given`,
      );
  }

  /** As `add`, for a UDP socket. */
  async addDatagrams(
    name: string,
    flag: string,
    socket: UdpSocket,
    { host, port }: ListenAddress,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => reject(whyNot(error, flag, `${bracketed(host)}:${port}`)));
      socket.bind({ address: host, port }, resolve);
    });
    this.#datagrams.push(socket);
    const at = socket.address();
    this.addresses[name] = `udp ${bracketed(at.address)}:${at.port}`;
  }

  /**
   * So that a program's machine which vanished is noticed (RFC 9293 §3.8.4): four system calls, of which
   * connections that do not last need none.
   */
  #probeLasting(): void {
    for (const [socket, lasted] of this.#sockets) {
      if (lasted) continue;
      this.#sockets.set(socket, true);
      socket.setKeepAlive(true, probeAfterMs);
    }
  }

  /** Accepts no more, lets what runs finish for a while, then cuts it. */
  async close(graceMs: number): Promise<void> {
    const closed = Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
    for (const server of this.#servers) (server as Partial<HttpServer>).closeIdleConnections?.();
    const timer = setTimeout(() => this.#cut(), graceMs);
    await closed;
    clearTimeout(timer);
    this.#cut();
  }

  #cut(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets.keys()) resetSocket(socket);
    for (const socket of this.#datagrams.splice(0)) socket.close();
  }
}

const bracketed = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

function whyNot({ code }: NodeJS.ErrnoException, flag: string, address: string): SallyportError {
  if (code === 'EADDRINUSE') {
    return new SallyportError(
      'address_in_use',
      `--${flag} ${address}: another program listens there already`,
    );
  }
  const why =
    code === 'EACCES'
      ? 'this user may not listen there (ports below 1024 want a privilege)'
      : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? 'this machine has no such address'
        : `cannot listen there (${code})`;
  return new SallyportError('config_invalid', `--${flag} ${address}: ${why}`);
}
