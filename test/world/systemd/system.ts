/**
 * A host with a real systemd, and systemd-resolved where a test starts it, in one of the places of
 * `namespaces.ts`: what runs there is started, watched, killed and logged as on any server. This machine's own
 * first process, services and resolver are not touched (`boot.sh`). The project is at /opt/sallyport there.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Outcome, outcomeOf } from '../internet.ts';
import { Namespaces, type Place } from '../namespaces.ts';
import type { LogLine } from '../process.ts';
import { canFetch, fetchPackages } from './packages.ts';

const project = new URL('../../..', import.meta.url).pathname.replace(/\/$/, '');
const boot = new URL('boot.sh', import.meta.url).pathname;

/** How the agents' program is called there. */
export const sallyportd = [
  '/opt/sallyport/node_modules/node/bin/node',
  '/opt/sallyport/node-agents/sallyportd.ts',
];

export class System {
  readonly #outer: ChildProcess;
  readonly #said: string[] = [];
  #first = 0;

  /** Why there can be none here; undefined where there can. */
  static get unavailable(): string | undefined {
    if (Namespaces.unavailable) return Namespaces.unavailable;
    if (!canFetch()) return 'systemd is fetched with apt-get, which is not here';
    const known = readFileSync('/proc/filesystems', 'utf8');
    const missing = ['overlay', 'cgroup2'].find((name) => !known.includes(`\t${name}\n`));
    if (missing) return `the kernel has no ${missing}`;
    try {
      execFileSync('unshare', ['--pid', '--mount', '--uts', '--ipc', '--cgroup', '--fork', 'true'], {
        stdio: 'ignore',
      });
      return undefined;
    } catch {
      return 'the kernel permits no namespaces of processes and control groups';
    }
  }

  /** Resolves once it has started everything that a bare host starts. */
  static async start(net: Namespaces, place: Place): Promise<System> {
    const system = new System(net, place, await fetchPackages());
    try {
      await system.#booted();
      return system;
    } catch (cause) {
      await system.stop();
      throw new Error(`systemd did not start:\n${system.#said.join('\n')}`, { cause });
    }
  }

  private constructor(net: Namespaces, place: Place, packages: readonly string[]) {
    const apart = ['unshare', '--mount', '--propagation', 'private'];
    const [command, ...args] = [...net.prefix(place), ...apart, boot, project, ...packages];
    this.#outer = spawn(command!, args, { stdio: 'pipe' });
    this.#outer.stdin!.on('error', () => {});
    for (const stream of [this.#outer.stdout!, this.#outer.stderr!])
      createInterface({ input: stream }).on('line', (line) => this.#said.push(line));
  }

  /** Runs a program there, as root; never throws for its exit code. */
  run(command: string, ...args: string[]): Promise<Outcome> {
    return outcomeOf([...this.prefix, command, ...args]);
  }

  /** In front of a command that is to run there. */
  get prefix(): string[] {
    return ['nsenter', '--all', '--target', String(this.#first), '--'];
  }

  /** @throws with what it printed, unless it ends well. */
  async must(command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, ...args);
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  async write(path: string, text: string): Promise<void> {
    await this.must('sh', '-c', 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', 'sh', path, text);
  }

  /** A property of a unit, as `systemctl show` has it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.must('systemctl', 'show', '--value', '--property', name, unit)).trim();
  }

  /** What a unit's processes have written. */
  async journal(unit: string): Promise<(LogLine & { text?: string })[]> {
    const entries = await this.must(
      'journalctl',
      '--unit',
      unit,
      '--output',
      'cat',
      '--no-pager',
      '_TRANSPORT=stdout',
    );
    return entries
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (line.startsWith('{') ? (JSON.parse(line) as LogLine) : { text: line }));
  }

  /** Everything in it ends at once, as when the power goes; nothing of it is left. */
  async stop(): Promise<void> {
    if (this.#outer.exitCode !== null || this.#outer.signalCode !== null) return;
    this.#outer.stdin!.end();
    await once(this.#outer, 'exit');
  }

  async #booted(): Promise<void> {
    const deadline = Date.now() + 90_000;
    for (;;) {
      if (this.#outer.exitCode !== null) throw new Error(`ended with ${this.#outer.exitCode}`);
      this.#first ||= this.#found();
      const state = this.#first === 0 ? '' : (await this.run('systemctl', 'is-system-running')).stdout.trim();
      if (state === 'running') return;
      if (state === 'degraded') throw new Error((await this.run('systemctl', '--failed')).stdout);
      if (Date.now() > deadline) throw new Error(state);
      await sleep(50);
    }
  }

  /** The first process of its own namespace, by its number here. */
  #found(): number {
    const above = this.#said.map((line) => /^booting (\d+)$/.exec(line)?.[1]).find(Boolean);
    if (above === undefined) return 0;
    return Number(readFileSync(`/proc/${above}/task/${above}/children`, 'utf8').trim());
  }
}
