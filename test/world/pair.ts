/**
 * Two of each, so that one can fail: two relays beside the Controller, two Connectors on hosts of their own,
 * one origin that both reach, and a Client. Each relay and each Connector can be killed, frozen, or cut off by
 * a network that swallows everything without a word. In network namespaces (`namespaces.ts`).
 */
import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askClient } from '#node-agents/client/local-api.ts';
import type { NetworkStatus, Snapshot } from '#node-agents/client/snapshot.ts';
import { dripOrigin } from '../system/origin/drip.ts';
import type { Answer } from './admin.ts';
import { Firewall } from './firewall.ts';
import { addresses, Namespaces, type Place } from './namespaces.ts';
import type { AgentProcess } from './process.ts';
import { type ServiceKey, World } from './world.ts';

export const parts = ['relay', 'connector'] as const;
export const faults = ['kill', 'freeze', 'blackhole'] as const;
export type Part = (typeof parts)[number];
export type Fault = (typeof faults)[number];

/** Where Connectors run, and what they are called. */
const hosts: Record<string, { place: Place; address: string }> = {
  'connector-1': { place: 'connector', address: '203.0.113.6' },
  'connector-2': { place: 'client', address: addresses.client },
};
/** For everything to find together again. */
const settleMs = 60_000;
const relayNames = ['relay-1', 'relay-2'];

export interface PairOptions {
  connectors?: 1 | 2;
  /** Of each Connector. */
  env?: Record<string, Record<string, string>>;
}

export class Pair {
  readonly net: Namespaces;
  readonly world: World;
  /** By name. */
  readonly agents = new Map<string, AgentProcess>();
  /** Hash of a Connector, or id of a relay → its name. */
  readonly names = new Map<string, string>();
  readonly #relayPorts = new Map<string, string>();
  readonly #firewalls = new Map<Place, Firewall>();
  readonly #origin: Server;
  readonly #options: PairOptions;
  network!: string;
  key!: ServiceKey;
  port!: number;

  private constructor(net: Namespaces, world: World, origin: Server, options: PairOptions) {
    this.net = net;
    this.world = world;
    this.#origin = origin;
    this.#options = options;
  }

  static async open(options: PairOptions = {}): Promise<Pair> {
    const net = new Namespaces();
    let pair: Pair | undefined;
    try {
      const world = await World.start({ host: addresses.core });
      const port = await world.port();
      pair = new Pair(net, world, await dripOrigin(port, addresses.core), options);
      pair.port = port;
      await pair.#start();
      return pair;
    } catch (error) {
      await pair?.stop();
      net.close();
      throw error;
    }
  }

  get url(): string {
    return `http://${addresses.core}:${this.port}/`;
  }

  get host(): string {
    return addresses.core;
  }

  /** Starts one that has ended, or that was not there. */
  async start(name: string): Promise<void> {
    if (relayNames.includes(name)) {
      this.agents.set(name, await this.world.startRelay(name));
      return;
    }
    const prefix = this.net.prefix(hosts[name]!.place);
    const env = this.#options.env?.[name] ?? {};
    this.agents.set(name, await this.world.startConnector(this.network, name, env, { prefix }));
  }

  startClient(args: string[] = []): Promise<AgentProcess & { proxy: string }> {
    return this.world.startClient(this.key, { args: ['--direct', 'off', ...args] });
  }

  async status(client: AgentProcess): Promise<Snapshot> {
    return askClient<Snapshot>(join(this.world.stateDir, client.name), '/status');
  }

  async connectors(client: AgentProcess): Promise<NetworkStatus['connectors']> {
    return (await this.status(client)).networks[0]?.connectors ?? [];
  }

  /** The name of what carries the Client's next flow. */
  async inUse(client: AgentProcess, part: Part): Promise<string> {
    const first = await this.#first(client);
    const name = this.names.get(String(part === 'relay' ? first?.relay : first?.hash));
    if (name === undefined) throw new Error(`no ${part} is in use: ${JSON.stringify(first)}`);
    return name;
  }

  /** The id of the relay that carries the Client's next flow; the edge's too, which cannot be struck. */
  async relayInUse(client: AgentProcess): Promise<string> {
    const relay = (await this.#first(client))?.relay;
    if (!relay) throw new Error('no relay is in use');
    return relay;
  }

  /** Resolves once every Connector is met at so many relays. */
  async metAt(relays: number): Promise<void> {
    const told = async () =>
      (await this.world.admin.get('/connectors')).items.map(({ state_reason }: Answer) => state_reason);
    await until(told, (reason) => reason.startsWith(`connected to ${relays} of`));
  }

  /** Resolves once everything is there that can be: all Connectors at all relays, a tunnel to each. */
  async whole(client: AgentProcess): Promise<void> {
    await this.metAt(relayNames.length + 1);
    const states = async () => (await this.connectors(client)).map(({ state }) => state);
    await until(states, (state) => state === 'open');
  }

  /**
   * A Client for which everything is there, through relays that can be struck: where one was slow to answer, a
   * Client may have met a Connector at the edge, and it stays there as long as that tunnel lives.
   */
  async startWhole(): Promise<AgentProcess & { proxy: string }> {
    for (;;) {
      const client = await this.startClient();
      await this.whole(client);
      const met = await this.connectors(client);
      if (met.every(({ relay }) => this.names.has(String(relay)))) return client;
      await client.stop();
    }
  }

  strike(name: string, fault: Fault): void {
    if (fault === 'kill') this.agents.get(name)!.signal('SIGKILL');
    else if (fault === 'freeze') this.agents.get(name)!.signal('SIGSTOP');
    else this.#cutOff(name);
  }

  async mend(name: string, fault: Fault): Promise<void> {
    if (fault === 'kill') {
      await this.agents.get(name)!.exited;
      await this.start(name);
    } else if (fault === 'freeze') this.agents.get(name)!.signal('SIGCONT');
    else for (const firewall of this.#firewalls.values()) firewall.clear();
  }

  async stop(): Promise<void> {
    for (const agent of this.agents.values()) agent.signal('SIGCONT');
    this.#origin.closeAllConnections();
    this.#origin.close();
    await this.world.stop();
    this.net.close();
  }

  async #first(client: AgentProcess): Promise<NetworkStatus['connectors'][number] | undefined> {
    return (await this.connectors(client)).find(({ state }) => state === 'open');
  }

  async #start(): Promise<void> {
    const { admin, operator } = this.world;
    this.network = (await admin.post('/remote-networks', { name: 'branch' })).id;
    for (const name of relayNames) await this.start(name);
    for (const name of Object.keys(hosts).slice(0, this.#options.connectors ?? 2)) await this.start(name);
    for (const { id, name, url } of (await operator.get('/relays')).items) {
      this.names.set(id, name);
      this.#relayPorts.set(name, new URL(url).port);
    }
    for (const { hash, name } of (await admin.get('/connectors')).items) this.names.set(hash, name);
    const address = { name: 'origin', remote_network_id: this.network, address: addresses.core };
    const resource = await admin.post('/resources', address);
    this.key = (await this.world.createService('programs', [resource.id])).key;
  }

  /** Nothing comes from it, and nothing gets to it. */
  #cutOff(name: string): void {
    const host = hosts[name];
    if (host !== undefined) {
      this.#firewallAt('core').swallow(`ip saddr ${host.address}`);
      return this.#firewallAt(host.place).swallow(`ip saddr ${addresses.core}`);
    }
    const port = this.#relayPorts.get(name);
    this.#firewallAt('core').swallow(`tcp dport ${port}`, `tcp sport ${port}`);
  }

  #firewallAt(place: Place): Firewall {
    const firewall = this.#firewalls.get(place) ?? new Firewall(this.net, place);
    this.#firewalls.set(place, firewall);
    return firewall;
  }
}

/** Asks until every answer fits. */
async function until(ask: () => Promise<string[]>, fits: (answer: string) => boolean): Promise<void> {
  const deadline = performance.now() + settleMs;
  for (;;) {
    const answers = await ask();
    if (answers.length > 0 && answers.every(fits)) return;
    if (performance.now() > deadline) throw new Error(`not within ${settleMs} ms: ${answers.join(', ')}`);
    await sleep(100);
  }
}
