/**
 * Cold start: from the spawn of a Client that never ran to the first byte of the origin through its proxy,
 * login, tunnel and all; beside it, a bare Node process that asks the origin directly.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { answersOn } from '../load/answers.ts';
import { authority, openFlow, type Target } from '../load/flow.ts';
import { request } from '../load/page.ts';
import type { Figures, Measure } from './measure.ts';

const patienceMs = 20_000;
const retryMs = 2;

export const coldStart: Measure = {
  name: 'cold-start',
  cold: true,
  columns: [{ key: 'cold_start', title: 'cold start to the first byte', unit: 'ms', better: 'lower' }],
  run: async ({ coldStart }): Promise<Figures> => (coldStart ? { cold_start: await coldStart() } : {}),
};

/** Milliseconds since `start` at which the proxy first let a request through; it may not even listen yet. */
export async function firstByte(target: Target, start: number): Promise<number> {
  for (;;) {
    try {
      await ask(target);
      return performance.now() - start;
    } catch (error) {
      if (performance.now() - start > patienceMs) throw error;
      await setTimeout(retryMs);
    }
  }
}

export async function bareProcess(target: Target): Promise<number> {
  const start = performance.now();
  const file = new URL('../load/first-byte.ts', import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [file, target.host, String(target.port)]);
  await once(child.stdout!, 'data');
  const milliseconds = performance.now() - start;
  await once(child, 'close');
  return milliseconds;
}

async function ask(target: Target): Promise<void> {
  const answers = answersOn();
  const answered = new Promise<void>((resolve, reject) => {
    answers.onAnswer = resolve;
    answers.onFail = reject;
  });
  answered.catch(() => {});
  const socket = await openFlow(target, answers.receiver);
  socket.write(request(authority(target), 'origin'));
  await answered.finally(() => socket.destroy());
}
