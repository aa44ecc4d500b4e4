/**
 * A whole Sallyport on one machine, every part a process of its own: Controller, relays, Connectors,
 * Clients. The demo, the system tests and the benchmarks all build theirs here.
 */

import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin, type Answer } from './admin.ts';
import { cachedFor } from './cache.ts';
import { freePort } from './free-port.ts';
import { AgentProcess } from './process.ts';

export interface WorldOptions {
  /** Where everything keeps its state; a fresh temporary folder when absent, removed by `stop`. */
  stateDir?: string;
  /** First of the ports used; free ones when absent. */
  portBase?: number;
  /** Called as each part comes up. */
  onStep?: (step: string, fields: Record<string, unknown>) => void;
  slug?: string;
  logLevel?: string;
  /** Address that Controller and relays listen on. */
  host?: string;
  /** Direct paths; absent: off, so that what a test or a measurement says of relays is about relays. */
  p2p?: 'auto';
  /** Seconds that no token outlives. */
  tokenLifetime?: number;
  /** Port of an OpenID provider with demo users, in the Controller’s process. */
  demoPeople?: number;
  /** Command in front of each agent, such as `ip netns exec X`. */
  prefix?: string[];
}

export interface ServiceKey {
  id: string;
  /** Content of service_key.json. */
  file: Record<string, unknown>;
  path: string;
}

export class World {
  readonly stateDir: string;
  readonly #options: WorldOptions;
  readonly #temporary: boolean;
  readonly processes: AgentProcess[] = [];
  controller!: AgentProcess;
  /** The deployment's base URL. */
  url!: string;
  /** The deployment's operator. */
  operator!: Admin;
  /** The Tenant's administrator. */
  admin!: Admin;
  tenant!: string;
  #ports = 0;
  readonly #relayPorts = new Map<string, number>();

  private constructor(stateDir: string, temporary: boolean, options: WorldOptions) {
    this.stateDir = stateDir;
    this.#temporary = temporary;
    this.#options = options;
  }

  /** Controller and Tenant; the rest is added by the methods below. */
  static async start(options: WorldOptions = {}): Promise<World> {
    const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'sallyport-')));
    const world = new World(stateDir, options.stateDir === undefined, options);
    try {
      await world.startController();
      await world.#createTenant(options.slug ?? 'acme');
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  get tenantUrl(): string {
    return `${this.url}/t/${this.tenant}`;
  }

  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  async port(): Promise<number> {
    if (this.#options.portBase !== undefined) return this.#options.portBase + this.#ports++;
    return freePort(this.host);
  }

  async startController(): Promise<void> {
    const port = this.url ? Number(new URL(this.url).port) : await this.port();
    const stateDir = join(this.stateDir, 'controller');
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const { tokenLifetime, demoPeople } = this.#options;
    const people = demoPeople === undefined ? [] : ['--demo-people', String(demoPeople)];
    const cached = this.#temporary ? await cachedFor(stateDir) : undefined;
    this.controller = this.#spawn(
      'controller',
      [
        'workers/local/main.ts',
        ...['--host', this.host, '--port', String(port), '--state-dir', stateDir],
        ...people,
      ],
      {
        ...cached?.env,
        ...(tokenLifetime !== undefined && { SALLYPORT_DEBUG_TOKEN_LIFETIME_S: String(tokenLifetime) }),
      },
    );
    const ready = await this.controller.line('controller_ready', 60_000);
    await cached?.keep();
    this.url = String(ready.url);
    const token = readFileSync(String(ready.operator_token_file), 'utf8').trim();
    this.operator = new Admin(this.url, token);
    this.#options.onStep?.('controller', { url: this.url });
  }

  /** workerd too: as when the machine loses power. `startController` brings it back. */
  async killController(): Promise<void> {
    const noted: { pid: number }[] = JSON.parse(
      readFileSync(join(this.stateDir, 'controller', 'workerd.json'), 'utf8'),
    );
    await this.controller.kill();
    for (const { pid } of noted) process.kill(pid, 'SIGKILL');
  }

  /**
   * A relay as a Node process, enrolled and listed; one that was there before comes back at its address.
   * @param url where agents reach it, when that is not where it listens.
   */
  async startRelay(
    name = 'relay-1',
    args: string[] = [],
    publicUrl?: string,
    carriers?: string[],
  ): Promise<AgentProcess> {
    const existing = (await this.operator.get('/relays')).items.find((r: Answer) => r.name === name);
    const next = await this.port();
    const port = this.#relayPorts.get(name) ?? (existing ? Number(new URL(existing.url).port) : next);
    this.#relayPorts.set(name, port);
    const url: string = existing?.url ?? publicUrl ?? `http://${this.host}:${port}`;
    const token = existing
      ? ''
      : (await this.operator.post('/relays', { name, url, ...(carriers && { carriers }) })).enrolment_token;
    const relay = this.#spawn(
      name,
      ['node-agents/sallyportd.js', 'relay', '--listen', `${this.host}:${port}`, '--url', url, ...args],
      {
        SALLYPORT_URL: this.url,
        SALLYPORT_ENROLL_TOKEN: token,
        SALLYPORT_STATE_DIR: await this.#folder(name),
      },
    );
    await relay.line('relay_ready');
    this.#options.onStep?.('relay', { name, url });
    return relay;
  }

  /** A Connector of the Remote Network, enrolled on its first start under this name. */
  async startConnector(
    network: string,
    name = 'connector-1',
    env: Record<string, string> = {},
    options: { prefix?: string[]; args?: string[] } = {},
  ): Promise<AgentProcess & { id?: string }> {
    const listed: Answer[] = (await this.admin.get('/connectors')).items;
    const existing = listed.find((c) => c.name === name);
    const created = existing ?? (await this.admin.post('/connectors', { name, remote_network_id: network }));
    const connector = this.#spawn(
      name,
      ['node-agents/sallyportd.js', 'connector', ...(options.args ?? [])],
      {
        SALLYPORT_URL: this.tenantUrl,
        SALLYPORT_STATE_DIR: await this.#folder(name),
        ...(created.enrolment_token !== undefined && { SALLYPORT_ENROLL_TOKEN: created.enrolment_token }),
        ...env,
      },
      options.prefix,
    );
    await connector.line('connector_ready');
    this.#options.onStep?.('connector', { name, id: created.id });
    return Object.assign(connector, { id: created.id as string });
  }

  /** A Service Account with one key and the given Resources. */
  async createService(name: string, resources: string[] = []): Promise<{ id: string; key: ServiceKey }> {
    const account = await this.admin.post('/service-accounts', { name });
    for (const resource of resources) {
      await this.admin.post('/grants', { resource_id: resource, service_account_id: account.id });
    }
    return { id: account.id, key: await this.createKey(account.id) };
  }

  async createKey(account: string, body: Record<string, unknown> = {}): Promise<ServiceKey> {
    const key = await this.admin.post(`/service-accounts/${account}/keys`, { name: 'key', ...body });
    const path = join(this.stateDir, `${key.id}.json`);
    await writeFile(path, JSON.stringify(key.service_key, null, 2), { mode: 0o600 });
    return { id: key.id, file: key.service_key, path };
  }

  /** A headless Client; resolves once it is connected. `proxy` is the address of its HTTP proxy. */
  async startClient(
    key: { path: string },
    options: {
      name?: string;
      args?: string[];
      env?: Record<string, string>;
      /** Where its HTTP proxy listens; the world's own host when absent. */
      proxyHost?: string;
      proxyPort?: number;
      ready?: boolean;
      prefix?: string[];
    } = {},
  ): Promise<AgentProcess & { proxy: string }> {
    const name = options.name ?? `client-${this.processes.length}`;
    const proxy = `${options.proxyHost ?? this.host}:${options.proxyPort ?? (await this.port())}`;
    const client = this.#spawn(
      name,
      [
        'node-agents/sallyportd.js',
        ...['--http-proxy', proxy, '--tun', 'off', '--service-key', key.path],
        ...(options.args ?? []),
      ],
      { SALLYPORT_STATE_DIR: await this.#folder(name), ...options.env },
      options.prefix,
    );
    if (options.ready !== false) await client.line('client_ready');
    this.#options.onStep?.('client', { name, proxy: `http://${proxy}` });
    return Object.assign(client, { proxy });
  }

  async stop(): Promise<void> {
    const agents = this.processes.filter((process) => process !== this.controller);
    await Promise.all(agents.map((process) => process.stop()));
    await this.controller?.stop();
    if (this.#temporary) await rm(this.stateDir, { recursive: true, force: true });
  }

  async #createTenant(slug: string): Promise<void> {
    this.tenant = slug;
    const kept = join(this.stateDir, 'api-token');
    try {
      this.admin = new Admin(this.tenantUrl, readFileSync(kept, 'utf8'));
    } catch {
      const created = await this.operator.post('/tenants', { slug, name: slug });
      await writeFile(kept, created.api_token.token, { mode: 0o600 });
      this.admin = new Admin(this.tenantUrl, created.api_token.token);
    }
    this.#options.onStep?.('tenant', { tenant: slug, url: this.tenantUrl });
  }

  #spawn(
    name: string,
    args: string[],
    env: Record<string, string> = {},
    prefix = this.#options.prefix,
  ): AgentProcess {
    const process = new AgentProcess(name, args, {
      env: {
        ...(this.#options.logLevel && { SALLYPORT_LOG_LEVEL: this.#options.logLevel }),
        SALLYPORT_P2P: this.#options.p2p ?? 'off',
        ...env,
      },
      ...(prefix && { prefix }),
    });
    this.processes.push(process);
    return process;
  }

  async #folder(name: string): Promise<string> {
    const folder = join(this.stateDir, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
}
