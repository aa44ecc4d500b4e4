/**
 * What the tests of `node-agents/os` stand on: one lonely host for a file, and programs there that try things.
 * Whatever a test opens is closed after it, last first, and no rule or route of ours is left to the next.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, connect as netConnect } from 'node:net';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { RoutePlan } from '#node-agents/os/route-plan.ts';
import { removeRoutes } from '#node-agents/os/routes.ts';
import { openTunDevice, type TunDevice, type TunOptions } from '#node-agents/os/tun-device.ts';
import { buildUdp } from '#schema/packet/build.ts';
import { parseFrame } from '#schema/packet/parse.ts';
import { PacketView, protocols } from '#schema/packet/view.ts';
import { LonelyHost } from './host.ts';

export const plan: RoutePlan = {
  device: 'sallyport0',
  addresses: ['100.96.0.1/32', 'fd96::1/128'],
  prefixes: ['100.96.0.0/12', 'fd96::/32', '10.66.0.0/16', 'fd66::/64'],
  captureDns: 'all',
  ipv6: true,
};

export interface Ground {
  readonly host: LonelyHost;
  /** Does it after the test, at the latest. */
  afterwards(work: () => unknown): void;
  later<T extends { close(): unknown }>(one: T): T;
  /** Does now what is to be done afterwards. */
  clear(): Promise<void>;
  open(options?: Partial<TunOptions>): TunDevice;
  openShouting(): TunDevice;
  /** Listens on all addresses of the far end, and says `far` to whoever comes. */
  listenAtFarEnd(port: number): Promise<void>;
}

/** To be called where the tests are described. */
export function stand(): Ground {
  let host: LonelyHost | undefined;
  const closing: (() => unknown)[] = [];
  const clear = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  beforeAll(() => {
    host = new LonelyHost();
  });
  afterEach(async () => {
    await clear();
    await removeRoutes();
  });
  afterAll(() => host?.close());

  const later: Ground['later'] = (one) => {
    closing.push(() => one.close());
    return one;
  };
  const open: Ground['open'] = (options) =>
    later(openTunDevice({ name: 'sallyport0', onFrame() {}, onLost() {}, ...options }));
  return {
    get host() {
      return host!;
    },
    afterwards: (work) => closing.push(work),
    later,
    clear,
    open,
    openShouting: () => openShouting(open),
    listenAtFarEnd: (port) =>
      host!.atFarEnd(async () => {
        const server = later(createServer((socket) => socket.on('error', () => {}).end('far')));
        server.listen(port, '::');
        await once(server, 'listening');
      }),
  };
}

/** A device that answers each UDP datagram with its data in capitals. */
function openShouting(open: Ground['open']): TunDevice {
  const view = new PacketView();
  const answer = Buffer.alloc(70_000);
  let id = 0;
  const device: TunDevice = open({
    onFrame(frame, length) {
      if (parseFrame(view, frame, length) !== undefined || view.protocol !== protocols.udp) return;
      const text = frame.toString('latin1', view.payload, view.payloadEnd).toUpperCase();
      const built = buildUdp(answer, {
        source: view.destination,
        sourcePort: view.destinationPort,
        destination: view.source,
        destinationPort: view.sourcePort,
        data: Buffer.from(text, 'latin1'),
        id: id++ & 0xffff,
      });
      device.write(answer, built);
    },
  });
  return device;
}

/** What `address` answers to `text` by UDP. */
export async function ask(address: string, port: number, text: string): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(port, address);
    await once(socket, 'connect');
    socket.send(text);
    const [bytes] = (await once(socket, 'message', { signal: AbortSignal.timeout(5000) })) as [Buffer];
    return bytes.toString();
  } finally {
    socket.close();
  }
}

/** How a program's connection to `address` ends: its error's code, or `connected`. */
export async function tryTcp(address: string, port: number): Promise<string> {
  const socket = netConnect({ host: address, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(5000) });
    return 'connected';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
}
