/**
 * Sallyport among the sites of `nat-lab.ts`: Controller and two relays in the middle, Connectors and Clients
 * behind routers. Each Connector has a Remote Network of its own with a Resource that its host alone reaches.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { join } from 'node:path';
import { askClient } from '#node-agents/client/local-api.ts';
import type { NetworkStatus, Snapshot } from '#node-agents/client/snapshot.ts';
import { startBulk } from '../system/origin/bulk.ts';
import { coreAddress, type LabHost, NatLab, secondCoreAddress } from './nat-lab.ts';
import type { AgentProcess } from './process.ts';
import { type ServiceKey, World } from './world.ts';

export interface Place {
  name: string;
  host: LabHost;
  network: string;
  resource: string;
  /** Of the Resource: its path is a number of bytes, or `/sum`. */
  url: string;
  connector: AgentProcess & { id?: string };
}

export interface Visitor {
  host: LabHost;
  agent: AgentProcess & { proxy: string };
  status(): Promise<Snapshot>;
  /** How it stands with the one Connector of a place. */
  towards(place: Place): Promise<NetworkStatus['connectors'][number]>;
  /** Runs curl there, through the Client. */
  curl(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

const port = 8_080;

export class DirectLab {
  readonly lab: NatLab;
  readonly world: World;
  readonly #origins: { stop(): Promise<void> }[] = [];
  #places = 0;
  #visitors = 0;

  private constructor(lab: NatLab, world: World) {
    this.lab = lab;
    this.world = world;
  }

  static async open(): Promise<DirectLab> {
    const lab = new NatLab();
    let world: World | undefined;
    try {
      world = await World.start({ host: coreAddress, p2p: 'auto', logLevel: 'debug' });
      await world.startRelay();
      // Elsewhere, so that a NAT may show itself by what it makes of another destination.
      const at = await world.port();
      const listen = ['--listen', `${secondCoreAddress}:${at}`];
      await world.startRelay('relay-2', listen, `http://${secondCoreAddress}:${at}`);
      return new DirectLab(lab, world);
    } catch (error) {
      await world?.stop();
      lab.close();
      throw error;
    }
  }

  async place(name: string, host: LabHost, env: Record<string, string> = {}): Promise<Place> {
    const address = `10.77.0.${++this.#places}`;
    host.own(address);
    this.#origins.push(await this.lab.within(host.namespace, () => startBulk(address, port)));
    const { admin } = this.world;
    const network: string = (await admin.post('/remote-networks', { name })).id;
    const resource: string = (
      await admin.post('/resources', { name, remote_network_id: network, address, allow_reserved: true })
    ).id;
    const connector = await this.world.startConnector(network, name, env, { prefix: host.prefix });
    return { name, host, network, resource, url: `http://${address}:${port}`, connector };
  }

  async visitor(
    key: ServiceKey,
    host: LabHost,
    env: Record<string, string> = {},
    args: string[] = [],
  ): Promise<Visitor> {
    const name = `client-${++this.#visitors}`;
    const agent = await this.world.startClient(key, {
      ...{ name, env, prefix: host.prefix, proxyHost: '127.0.0.1', proxyPort: 9_000 + this.#visitors },
      args: ['--direct', 'off', ...args],
    });
    const status = () => askClient<Snapshot>(join(this.world.stateDir, name), '/status');
    return {
      ...{ host, agent, status },
      towards: async ({ network }) =>
        (await status()).networks.find(({ id }) => id === network)!.connectors[0]!,
      curl: (...args) =>
        outcomeOf([...host.prefix, 'curl', '-sS', '-m', '30', '-x', `http://${agent.proxy}`, ...args]),
    };
  }

  run(command: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return outcomeOf(command);
  }

  async stop(): Promise<void> {
    await this.world.stop();
    for (const origin of this.#origins) await origin.stop();
    this.lab.close();
  }
}

function outcomeOf([command, ...args]: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(command!, args, options, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}
