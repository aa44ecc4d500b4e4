/**
 * The ways to the origin that are compared: straight over loopback, and through a whole Sallyport of its own,
 * with a relay as a Node process, by raw stream or by WebSocket, or with the edge relay (the Durable Object in
 * the Controller's workerd).
 */

import { World } from '../../world/world.ts';
import { descendants } from '../host/processes.ts';
import type { Target } from '../load/flow.ts';
import type { Origin } from '../load/process.ts';
import { bareProcess, firstByte } from '../measure/cold-start.ts';
import type { Subject } from '../measure/measure.ts';

export function direct(origin: Origin): Subject {
  const target = (port: number): Target => ({ host: origin.address, port });
  return {
    name: 'direct',
    title: 'direct',
    trouble: () => undefined,
    target,
    parts: {},
    coldStart: () => bareProcess(target(origin.ports.http)),
    stop: async () => {},
  };
}

/** One TLS connection for each flow, load and origin its two ends: what encryption alone costs. */
export const plainTls = { name: 'tls', title: 'TLS, nothing between' } as const;

export function directTls({ address, ports, tls }: Origin): Subject {
  return {
    ...plainTls,
    trouble: () => undefined,
    target: (port) => ({
      host: address,
      port: port === ports.bulk ? tls.bulk : tls.http,
      tls: tls.hash,
    }),
    parts: {},
    stop: async () => {},
  };
}

export interface SallyportWay {
  name: string;
  title: string;
  relay: 'node' | 'websocket' | 'edge';
  /** How the load comes in; by the HTTP proxy when absent, or by local ports that are the origin's. */
  entrance?: 'proxy' | 'forward';
  /** Without a relay, once they have met. */
  direct?: true;
}

/** @param prefix of each agent's command, for a profiler. */
export async function throughSallyport(
  way: SallyportWay,
  origin: Origin,
  prefix: string[] = [],
): Promise<Subject> {
  const world = await World.start({ slug: 'bench', prefix, ...(way.direct && { p2p: 'auto' }) });
  try {
    return await build(way, world, origin);
  } catch (error) {
    await world.stop();
    throw error;
  }
}

async function build(
  { name, title, relay, entrance = 'proxy', direct: meets }: SallyportWay,
  world: World,
  origin: Origin,
): Promise<Subject> {
  const carriers = relay === 'websocket' ? ['websocket'] : undefined;
  const node = relay === 'edge' ? undefined : await world.startRelay('relay-1', [], undefined, carriers);
  const network = await world.admin.post('/remote-networks', { name: 'bench' });
  const resource = await world.admin.post('/resources', {
    name: 'origin',
    remote_network_id: network.id,
    address: origin.address,
    tcp: 'all',
    udp: 'none',
    icmp: false,
    allow_reserved: true,
  });
  const connector = await world.startConnector(network.id);
  const { key } = await world.createService('bench', [resource.id]);
  const forwards = new Map<number, number>();
  if (entrance === 'forward')
    for (const port of Object.values(origin.ports)) forwards.set(port, await world.port());
  const args = ['--direct', 'off'];
  for (const [to, from] of forwards) args.push('--forward', `${from}=${origin.address}:${to}`);
  const client = await world.startClient(key, { args });
  const through =
    (proxy: string) =>
    (port: number): Target => ({ host: origin.address, port, proxy: parseAddress(proxy) });
  await firstByte(through(client.proxy)(origin.ports.http), performance.now());
  if (meets) await client.line('direct_path_open');
  const standing = [...world.processes];
  return {
    name,
    title,
    trouble: () => {
      const dead = standing.find((process) => !process.running);
      return dead && `${dead.name} ended: ${dead.output()}`;
    },
    target: (port) => {
      const from = forwards.get(port);
      return from === undefined ? through(client.proxy)(port) : { host: '127.0.0.1', port: from };
    },
    parts: {
      client: [client.pid],
      relay: node ? [node.pid] : descendants(world.controller.pid),
      connector: [connector.pid],
    },
    coldStart: async () => {
      const proxyPort = await world.port();
      const start = performance.now();
      const fresh = await world.startClient(key, {
        name: `cold-${proxyPort}`,
        proxyPort,
        ready: false,
        args: ['--direct', 'off'],
      });
      try {
        return await firstByte(through(fresh.proxy)(origin.ports.http), start);
      } finally {
        await fresh.stop();
      }
    },
    stop: () => world.stop(),
  };
}

function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
