/** Somebody else's program as a process of the benchmark's: kept while it is measured, asked why when it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const keptCharacters = 4_000;
const graceMs = 3_000;

export class Program {
  readonly name: string;
  readonly #child: ChildProcess;
  /** Settles once it has. */
  readonly ended: Promise<unknown>;
  #running = true;
  #output = '';

  constructor(name: string, command: string[], env: Record<string, string> = {}) {
    this.name = name;
    this.#child = spawn(command[0]!, command.slice(1), {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.on('error', (error) => this.#keep(error.message));
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (text) => this.#keep(`${text}`));
    this.ended = once(this.#child, 'close')
      .catch(() => {})
      .finally(() => {
        this.#running = false;
      });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#running;
  }

  /** The end of all that it printed. */
  output(): string {
    return this.#output;
  }

  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-keptCharacters);
  }
}

/** Tries until it works or time is over. @throws the last failure */
export async function eventually<T>(attempt: () => Promise<T>, patienceMs = 10_000): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
