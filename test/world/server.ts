/**
 * A real server of somebody else's in a namespace (`sshd`, `redis-server`, …), as a process of the test's own
 * with its configuration in the test's folder: started, waited for until it listens, ended. Never as a
 * service of the system.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Internet } from './internet.ts';
import type { Place } from './namespaces.ts';

export interface Server {
  stop(): Promise<void>;
}

export interface ServerOptions {
  place: Place;
  port: number;
  over?: 'tcp' | 'udp';
  env?: Record<string, string>;
}

const startMs = 15_000;

/** @throws with what it printed, when it ends or does not listen in time. */
export async function startServer(
  { net, run }: Internet,
  { place, port, over = 'tcp', env }: ServerOptions,
  ...command: string[]
): Promise<Server> {
  const [program, ...args] = [...net.prefix(place), ...command];
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => printed.length < 200 && printed.push(String(text)));
  const listens = ['-Hln', over === 'tcp' ? '-t' : '-u', `sport = :${port}`];
  const deadline = Date.now() + startMs;
  while ((await run(place, 'ss', ...listens)).stdout === '') {
    if (!running(child) || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${command[0]} does not listen on ${port}; is it installed?\n${printed.join('')}`);
    }
    await delay(50);
  }
  return {
    async stop() {
      if (!running(child)) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;
