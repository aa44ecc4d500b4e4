/**
 * The operator CLI as a process of its own, against a real Controller with one Tenant. Every test of it starts
 * here; `furnished` makes by the API what most of them want to be there.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { Answer } from '../../world/admin.ts';
import { compiledOnce } from '../../world/cache.ts';
import { World } from '../../world/world.ts';

export interface Done {
  code: number;
  out: string;
  error: string;
}

/** Of the Resource “web”. */
export const address = '127.84.0.20';
const root = new URL('../../..', import.meta.url).pathname;

/** Arrow functions throughout, so that tests can take them out of it. */
export class OperatorCli {
  readonly world: World;
  readonly folder: string;
  /** Of the Resource “web”. */
  readonly port: number;
  readonly #following: ChildProcess[] = [];

  private constructor(world: World, folder: string, port: number) {
    this.world = world;
    this.folder = folder;
    this.port = port;
  }

  static async open(): Promise<OperatorCli> {
    const world = await World.start();
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-operator-'));
    return new OperatorCli(world, folder, await world.port());
  }

  /** With the Remote Network “office”, its Connector “office-1”, the Resource “web”, and the Service “ci” that may reach it. */
  static async furnished(): Promise<OperatorCli> {
    const cli = await OperatorCli.open();
    const { admin } = cli.world;
    const network = (await admin.post('/remote-networks', { name: 'office' })).id;
    await admin.post('/connectors', { name: 'office-1', remote_network_id: network });
    const ports = { tcp: [{ from: cli.port, to: cli.port }], udp: 'none' };
    const web = { name: 'web', remote_network_id: network, address, allow_reserved: true, ...ports };
    const { id } = await admin.post('/resources', web);
    await cli.world.createService('ci', [id]);
    return cli;
  }

  readonly run = (args: string[], env: Record<string, string> = {}): Promise<Done> =>
    new Promise((resolve) => {
      const options = { cwd: root, env: this.#environment(env) };
      execFile(process.execPath, ['node-agents/sallyport.ts', ...args], options, (failure, out, error) =>
        resolve({ code: Number(failure?.code ?? 0), out, error }),
      );
    });

  /** The answer as a program sees it; anything but success fails the test. */
  readonly ask = async (...args: string[]): Promise<Answer> => {
    const done = await this.run([...args, '--json']);
    expect(done).toMatchObject({ code: 0, error: '' });
    return JSON.parse(done.out);
  };

  /** A command that goes on until it is told to end. */
  readonly follow = (args: string[]): ChildProcess & { lines: string[] } => {
    const child = spawn(process.execPath, ['node-agents/sallyport.ts', ...args], {
      cwd: root,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#following.push(child);
    const lines: string[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line));
    return Object.assign(child, { lines });
  };

  /** A document for `apply`. @returns its path. */
  readonly file = async (content: unknown): Promise<string> => {
    const path = join(this.folder, 'sallyport.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  readonly stop = async (): Promise<void> => {
    for (const child of this.#following) child.kill('SIGKILL');
    await this.world.stop();
    await rm(this.folder, { recursive: true, force: true });
  };

  #environment(env: Record<string, string> = {}) {
    return {
      ...compiledOnce,
      PATH: process.env.PATH,
      SALLYPORT_URL: this.world.tenantUrl,
      SALLYPORT_API_TOKEN: this.world.admin.token,
      SALLYPORT_OPERATOR_TOKEN: this.world.operator.token,
      ...env,
    };
  }
}
