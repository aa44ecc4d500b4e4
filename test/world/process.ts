/**
 * A real process of Sallyport's under test: starts it, reads its JSON log lines, waits for one of them, and
 * ends it. What it printed is kept (bounded) for the message of a failing test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface LogLine {
  event?: string;
  level?: string;
  [field: string]: unknown;
}

/** All that were started by this process and have not ended. */
export const running = new Set<AgentProcess>();

const root = new URL('../..', import.meta.url).pathname;
const keptLines = 2_000;

export class AgentProcess {
  readonly name: string;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #code: number | null | undefined;

  /** @param args of `node`, relative to the project's root. */
  constructor(
    name: string,
    args: string[],
    options: { env?: Record<string, string>; stdin?: string; prefix?: string[] } = {},
  ) {
    this.name = name;
    const command = [...(options.prefix ?? []), process.execPath, ...args];
    this.#child = spawn(command[0]!, command.slice(1), {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this);
    this.#child.stdin!.on('error', () => {});
    this.#child.stdin!.end(options.stdin ?? '');
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#keep(line));
    }
    this.exited = once(this.#child, 'close').then(([code]) => {
      this.#code = code as number | null;
      running.delete(this);
      this.#wake();
      return this.#code;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#code === undefined;
  }

  /** Resolves with the first line, past or future, that `match` accepts; rejects when the process ends first. */
  async line(match: string | ((line: LogLine) => boolean), timeoutMs = 50_000): Promise<LogLine> {
    const accepts = typeof match === 'string' ? (line: LogLine) => line.event === match : match;
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(accepts);
      if (found) return found;
      if (!this.running) throw new Error(`${this.name} ended (${this.#code}) first\n${this.output()}`);
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${this.name} did not say ${match} in ${timeoutMs} ms\n${this.output()}`);
      await this.#nextLine(left);
    }
  }

  /** The end of all that it printed. */
  output(): string {
    return this.lines
      .slice(-60)
      .map((line) => (line.text !== undefined ? String(line.text) : JSON.stringify(line)))
      .join('\n');
  }

  /** Resident memory in MiB, now and at its highest. */
  memory(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return { now: field('VmRSS'), peak: field('VmHWM') };
  }

  /** Seconds of processor time used so far, user and system together. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(graceMs = 5_000): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  #keep(text: string): void {
    if (this.lines.length >= keptLines) this.lines.splice(0, keptLines / 2);
    this.lines.push(parse(text));
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #nextLine(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function parse(text: string): LogLine {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as LogLine;
  } catch {
    // Not every line is JSON: help texts and one-line errors are for people.
  }
  return { text };
}
