/**
 * The world that most system tests want: a Controller, one Node relay beside the edge relay, a Remote
 * Network "office" whose private resolver knows a few names, and a Connector in it. Names resolve to
 * loopback addresses, which a Resource must allow explicitly.
 */
import type { Answer } from './admin.ts';
import { PrivateDns } from './private-dns.ts';
import type { AgentProcess } from './process.ts';
import { World, type WorldOptions } from './world.ts';

export interface Office {
  world: World;
  network: string;
  dns: PrivateDns;
  relay: AgentProcess;
  connector: AgentProcess & { id?: string };
  /** Defines a Resource in the office; its name resolves to `address`. */
  resource(name: string, options?: Record<string, unknown>): Promise<Answer>;
  stop(): Promise<void>;
}

export const officeAddress = '127.84.0.10';

export async function openOffice(
  options: WorldOptions & {
    connectorEnv?: Record<string, string>;
    /** Where agents reach the relay, when that is not where it listens. */
    relayUrl?: string;
  } = {},
): Promise<Office> {
  const world = await World.start(options);
  const dns = await PrivateDns.start({});
  const stop = async () => {
    await world.stop();
    dns.stop();
  };
  try {
    const relay = await world.startRelay('relay-1', [], options.relayUrl);
    const network: string = (await world.admin.post('/remote-networks', { name: 'office' })).id;
    const connector = await world.startConnector(network, 'connector-1', {
      SALLYPORT_DNS: dns.address,
      ...options.connectorEnv,
    });
    const resource = (name: string, more: Record<string, unknown> = {}) => {
      if (!dns.names.has(name)) dns.names.set(name, [officeAddress]);
      return world.admin.post('/resources', {
        name,
        remote_network_id: network,
        address: name,
        allow_reserved: true,
        ...more,
      });
    };
    return { world, network, dns, relay, connector, resource, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
