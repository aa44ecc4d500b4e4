/**
 * The benchmark's hold on its two own processes, the origin and the load generator.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ConnectorHash } from '#schema/ids.ts';
import type { BulkJob, BulkResult } from './bulk.ts';
import type { ExchangesJob, ExchangesResult } from './exchanges.ts';
import type { NewFlowsJob, NewFlowsResult } from './new-flows.ts';

/** How long a job may take beyond its own duration before it counts as hung. */
const graceMs = 30_000;

export interface Origin {
  pid: number;
  address: string;
  ports: { bulk: number; http: number };
  /** The same behind the agents' own TLS, by whoever has this key. */
  tls: { bulk: number; http: number; hash: ConnectorHash };
  stop(): void;
}

/** @param prefix of its command, such as `ip netns exec X`; here and below. */
export async function startOrigin(address: string, prefix: string[] = []): Promise<Origin> {
  const child = start(prefix, 'origin.ts', address);
  const open = (await message(child, graceMs)) as Pick<Origin, 'ports' | 'tls'>;
  return { pid: child.pid!, address, ...open, stop: () => child.kill() };
}

export class Generator {
  readonly #prefix: string[];
  #child: ChildProcess;

  private constructor(child: ChildProcess, prefix: string[]) {
    this.#child = child;
    this.#prefix = prefix;
  }

  static async start(prefix: string[] = []): Promise<Generator> {
    return new Generator(await ready(prefix), prefix);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  run(job: BulkJob): Promise<BulkResult>;
  run(job: ExchangesJob): Promise<ExchangesResult>;
  run(job: NewFlowsJob): Promise<NewFlowsResult>;
  /** One job at a time. After a failure the process is a new one: the old may still be at it. */
  async run(job: BulkJob | ExchangesJob | NewFlowsJob): Promise<unknown> {
    this.#child.send(job);
    try {
      const answer = (await message(this.#child, job.milliseconds * 2 + graceMs)) as Answer;
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.result;
    } catch (error) {
      this.#child.kill('SIGKILL');
      this.#child = await ready(this.#prefix);
      throw error;
    }
  }

  stop(): void {
    this.#child.kill();
  }
}

interface Answer {
  result?: unknown;
  error?: string;
}

function start(prefix: string[], file: string, ...args: string[]): ChildProcess {
  const command = [...prefix, process.execPath, new URL(file, import.meta.url).pathname, ...args];
  return spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function ready(prefix: string[]): Promise<ChildProcess> {
  const child = start(prefix, 'generator.ts');
  await message(child, graceMs);
  return child;
}

async function message(child: ChildProcess, timeoutMs: number): Promise<unknown> {
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, AbortSignal.timeout(timeoutMs)]);
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error('the load process ended');
  });
  try {
    const [value] = await Promise.race([once(child, 'message', { signal }), ended]);
    return value;
  } catch (error) {
    throw (error as Error).name === 'AbortError' ? new Error(`nothing came of it in ${timeoutMs} ms`) : error;
  } finally {
    ended.catch(() => {});
    settled.abort();
  }
}
