/**
 * Real agents of the console's Tenant, each a process of its own: a relay, a Connector with an origin behind
 * it, and Clients with whatever key a test took out of the console.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer } from '../world/admin.ts';
import { freePort } from '../world/free-port.ts';
import { AgentProcess } from '../world/process.ts';
import type { ConsoleWorld } from './console-world.ts';

/** Where the origin is: only the Connector goes there. */
const originAddress = '127.84.0.10';

export class Agents {
  readonly #world: ConsoleWorld;
  readonly #folder: string;
  readonly #processes: AgentProcess[] = [];
  readonly #origin: Server;
  network!: Answer;
  /** The origin's: `/` is a page, `/endless` one that never ends. */
  url!: string;
  resource!: Answer;

  private constructor(world: ConsoleWorld, folder: string, origin: Server) {
    this.#world = world;
    this.#folder = folder;
    this.#origin = origin;
  }

  /** A relay, a Remote Network "office" with a Connector that is ready, and a Resource "intranet" in it. */
  static async start(world: ConsoleWorld): Promise<Agents> {
    const origin = createServer((request, response) => {
      if (request.url === '/endless') response.write('first words\n');
      else response.end('a private page\n');
    });
    const agents = new Agents(world, await mkdtemp(join(tmpdir(), 'sallyport-console-')), origin);
    try {
      await agents.#start();
    } catch (error) {
      await agents.stop();
      throw error;
    }
    return agents;
  }

  /** @param key arguments and variables that give the Client its key. @returns with its HTTP proxy’s URL. */
  async client(
    name: string,
    key: { args?: string[]; env?: Record<string, string> },
  ): Promise<AgentProcess & { proxy: string }> {
    const address = `127.0.0.1:${await freePort()}`;
    const args = ['--http-proxy', address, '--tun', 'off', '--direct', 'off', ...(key.args ?? [])];
    const client = this.#spawn(name, args, key.env);
    return Object.assign(client, { proxy: `http://${address}` });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((agent) => agent.stop()));
    this.#origin.closeAllConnections();
    this.#origin.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const { administration, admin, tenant } = this.#world.people;
    this.#origin.listen(0, originAddress);
    await once(this.#origin, 'listening');
    this.url = `http://${originAddress}:${(this.#origin.address() as { port: number }).port}`;

    const listen = `127.0.0.1:${await freePort()}`;
    const url = `http://${listen}`;
    const { enrolment_token: relayToken } = await administration.operator.post('/relays', {
      name: 'relay-1',
      url,
    });
    const relay = this.#spawn('relay-1', ['relay', '--listen', listen, '--url', url], {
      SALLYPORT_URL: administration.controller.url,
      SALLYPORT_ENROLL_TOKEN: relayToken,
    });
    await relay.line('relay_ready');

    this.network = await admin.post('/remote-networks', { name: 'office' });
    const place = { remote_network_id: this.network.id };
    const { enrolment_token: token } = await admin.post('/connectors', { name: 'office-1', ...place });
    const connector = this.#spawn('office-1', ['connector'], {
      SALLYPORT_URL: tenant.url,
      SALLYPORT_ENROLL_TOKEN: token,
    });
    await connector.line('connector_ready');
    const address = { address: originAddress, allow_reserved: true };
    this.resource = await admin.post('/resources', { name: 'intranet', ...place, ...address });
  }

  #spawn(name: string, args: string[], env: Record<string, string> = {}): AgentProcess {
    const agent = new AgentProcess(name, ['node-agents/sallyportd.js', ...args], {
      env: { SALLYPORT_STATE_DIR: join(this.#folder, name), SALLYPORT_P2P: 'off', ...env },
    });
    this.#processes.push(agent);
    return agent;
  }
}
