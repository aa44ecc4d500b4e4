/**
 * The world of the transparent Client: Controller and relay in `core`, a Connector in `connector`, its
 * resolver and a few servers in `private`, programs in `client` and `lan`. Everything that listens is made here.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import type { Answer } from './admin.ts';
import { addresses, Namespaces, type Place } from './namespaces.ts';
import { PrivateDns } from './private-dns.ts';
import type { AgentProcess } from './process.ts';
import { World, type WorldOptions } from './world.ts';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Internet {
  net: Namespaces;
  world: World;
  network: string;
  connector: AgentProcess & { id?: string };
  privateDns: PrivateDns;
  publicDns: PrivateDns;
  /** Defines a Resource of the private network. */
  resource(address: string, options?: Record<string, unknown>): Promise<Answer>;
  /** Listens there until the end. @returns the port. */
  listen(place: Place, server: Server, address: string, port?: number): Promise<number>;
  /** A page that says `text` and where it was asked for. */
  page(place: Place, address: string, port: number, text: string): Promise<void>;
  /** Sends datagrams back. @returns the port. */
  echoDatagrams(place: Place, address: string): Promise<number>;
  /** Runs a program there; never throws for its exit code. */
  run(place: Place, command: string, ...args: string[]): Promise<Outcome>;
  /** Is done at the end, last first. */
  afterwards(work: () => unknown): void;
  stop(): Promise<void>;
}

export async function openInternet(options: WorldOptions = {}): Promise<Internet> {
  const net = new Namespaces();
  const cleanups: (() => unknown)[] = [() => net.close()];
  const stop = async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    // The Connector may ping.
    await outcomeOf([...net.prefix('connector'), 'sysctl', '-qw', 'net.ipv4.ping_group_range=0 0']);
    const world = await World.start({ host: addresses.core, ...options });
    cleanups.push(() => world.stop());
    const publicDns = await PrivateDns.start({ 'public.example': [addresses.core] }, 53, addresses.core);
    const privateDns = await net.within('private', () => PrivateDns.start({}, 53, addresses.server));
    cleanups.push(
      () => publicDns.stop(),
      () => privateDns.stop(),
    );
    await world.startRelay();
    const network: string = (await world.admin.post('/remote-networks', { name: 'private' })).id;
    const connector = await world.startConnector(
      network,
      'connector-1',
      { SALLYPORT_DNS: privateDns.address },
      { prefix: net.prefix('connector') },
    );
    const listen = (place: Place, server: Server, address: string, port = 0) =>
      net.within(place, async () => {
        server.listen(port, address);
        await once(server, 'listening');
        cleanups.push(() => {
          (server as { closeAllConnections?(): void }).closeAllConnections?.();
          server.close();
        });
        return (server.address() as AddressInfo).port;
      });
    return {
      net,
      world,
      network,
      connector,
      privateDns,
      publicDns,
      resource: (address, more = {}) =>
        world.admin.post('/resources', { name: address, remote_network_id: network, address, ...more }),
      listen,
      async page(place, address, port, text) {
        const server = createServer((request, response) =>
          response.end(`${text} ${request.headers.host} ${request.socket.remoteAddress}\n`),
        );
        await listen(place, server, address, port);
      },
      echoDatagrams: (place, address) =>
        net.within(place, async () => {
          const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
          socket.on('message', (message, from) => socket.send(message, from.port, from.address));
          socket.bind(0, address);
          await once(socket, 'listening');
          cleanups.push(() => socket.close());
          return socket.address().port;
        }),
      afterwards: (work) => void cleanups.push(work),
      run: (place, command, ...args) => outcomeOf([...net.prefix(place), command, ...args]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Answers what it is sent and half-closes when its peer has. */
export const echo = (): Server =>
  createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });

/** Runs a command to its end; never throws for its exit code. */
export function outcomeOf([command, ...args]: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      command!,
      args,
      { timeout: 90_000, maxBuffer: 16 * 1024 * 1024 },
      (error: ExecFileException | null, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}
