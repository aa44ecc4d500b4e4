/**
 * The ways from a program to a server that transparent mode is compared by, those without anybody else's
 * software: straight over a cable, through a plain proxy in Node, through the TUN device alone, and through a
 * whole Sallyport. `wireguard.ts` and `tailscale.ts` are the others.
 */
import { addresses, type Namespaces } from '../../world/namespaces.ts';
import { AgentProcess } from '../../world/process.ts';
import { World } from '../../world/world.ts';
import { Generator } from '../load/process.ts';
import type { Subject } from '../measure/measure.ts';
import type { TransparentEnds } from './ends.ts';
import { cables, intercepted, iperfPort } from './ground.ts';

/** A process of ours or of somebody else. */
type Standing = Pick<AgentProcess, 'name' | 'pid' | 'running' | 'output'>;

/** @param parts what is on the way; `trouble` looks after them. */
export function viaAddress(
  net: Namespaces,
  host: string,
  parts: Record<string, Standing[]>,
): Omit<Subject, 'name' | 'title' | 'stop'> {
  const all = Object.values(parts).flat();
  return {
    trouble: () => {
      const dead = all.find((process) => !process.running);
      return dead && `${dead.name} ended: ${dead.output().slice(-400)}`;
    },
    target: (port) => ({ host, port }),
    datagrams: { host, port: iperfPort, prefix: net.prefix('client') },
    parts: Object.fromEntries(Object.entries(parts).map(([part, of]) => [part, of.map(({ pid }) => pid)])),
  };
}

export const direct = async ({ net }: TransparentEnds): Promise<Subject> => ({
  ...{ name: 'direct', title: 'direct' },
  ...viaAddress(net, cables.client.far, {}),
  stop: async () => {},
});

export async function plainProxy({ net, origin }: TransparentEnds, prefix: string[]): Promise<Subject> {
  const targets = [origin.ports.bulk, origin.ports.http, iperfPort].map(String);
  const process = new AgentProcess(
    'plain-forwarder',
    ['test/bench/load/plain-forwarder.ts', '127.0.0.1', cables.client.far, ...targets],
    { prefix: [...net.prefix('client'), ...prefix] },
  );
  const { ports } = (await process.line('ready')) as unknown as { ports: Record<string, number> };
  const way = viaAddress(net, '127.0.0.1', { proxy: [process] });
  return {
    ...{ name: 'plain_proxy', title: 'plain Node proxy' },
    ...way,
    target: (port) => ({ host: '127.0.0.1', port: ports[port]! }),
    datagrams: { ...way.datagrams!, port: ports[iperfPort]! },
    stop: () => process.stop(),
  };
}

/** In the LAN's place: the device of the whole path is in the client's. */
export async function interception({ net }: TransparentEnds, prefix: string[]): Promise<Subject> {
  const process = new AgentProcess('interceptor', ['test/bench/transparent/interceptor.ts', intercepted], {
    prefix: [...net.prefix('lan'), ...prefix],
  });
  await process.line('ready');
  const generator = await Generator.start(net.prefix('lan'));
  const way = viaAddress(net, intercepted, { daemon: [process] });
  return {
    ...{ name: 'interception', title: 'interception alone', generator },
    ...way,
    datagrams: { ...way.datagrams!, prefix: net.prefix('lan') },
    async stop() {
      generator.stop();
      await process.stop();
    },
  };
}

export async function wholePath({ net }: TransparentEnds, prefix: string[]): Promise<Subject> {
  const world = await World.start({ host: addresses.core, slug: 'bench', prefix });
  try {
    const relay = await world.startRelay();
    const { id: network } = await world.admin.post('/remote-networks', { name: 'private' });
    const resource = await world.admin.post('/resources', {
      ...{ name: 'servers', remote_network_id: network, address: addresses.server },
      ...{ tcp: 'all', udp: 'all', icmp: false },
    });
    const connector = await world.startConnector(
      network,
      'connector-1',
      {},
      {
        prefix: [...net.prefix('connector'), ...prefix],
      },
    );
    const { key } = await world.createService('bench', [resource.id]);
    const client = await world.startClient(key, {
      proxyHost: '127.0.0.1',
      prefix: [...net.prefix('client'), ...prefix],
      args: ['--tun', 'on'],
    });
    return {
      ...{ name: 'whole_path', title: 'whole path' },
      ...viaAddress(net, addresses.server, { client: [client], relay: [relay], connector: [connector] }),
      stop: () => world.stop(),
    };
  } catch (error) {
    await world.stop();
    throw error;
  }
}
