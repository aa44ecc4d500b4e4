/**
 * Kept connections, each asking for the small page again as soon as it has it. With one connection the times
 * are the latency of a request, with many their rate is what counts.
 */
import type { Socket } from 'node:net';
import { type Answers, answersOn } from './answers.ts';
import { authority, dial, openFlow, type Target } from './flow.ts';
import { request } from './page.ts';

export interface ExchangesJob {
  kind: 'exchanges';
  target: Target;
  /** How the proxy is asked: a tunnel per connection, or each request by itself. Direct: no difference. */
  form: 'connect' | 'absolute';
  connections: number;
  milliseconds: number;
}

/** `times`: microseconds of each exchange, ascending. */
export interface ExchangesResult {
  perSecond: number;
  p50: number;
  p99: number;
}

/** Left out of the result, so that neither a cold path nor a cold JIT is measured. */
const warmUp = 0.2;

export async function exchanges(job: ExchangesJob): Promise<ExchangesResult> {
  const text = request(
    authority(job.target),
    job.form === 'absolute' && job.target.proxy ? 'absolute' : 'origin',
  );
  const lines = await Promise.all(Array.from({ length: job.connections }, () => open(job)));
  const opened = performance.now();
  const start = opened + job.milliseconds * warmUp;
  const end = start + job.milliseconds;
  const times: number[] = [];
  await Promise.all(lines.map((line) => repeat(line, text, start, end, times)));
  for (const { socket } of lines) socket.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  return { perSecond: times.length / (job.milliseconds / 1000), p50: at(0.5), p99: at(0.99) };
}

interface Line {
  socket: Socket;
  answers: Answers;
}

async function open({ target, form }: ExchangesJob): Promise<Line> {
  const answers = answersOn();
  const socket =
    form === 'absolute' && target.proxy
      ? await dial(target.proxy, answers.receiver)
      : await openFlow(target, answers.receiver);
  return { socket, answers };
}

/** Callbacks and not promises: at 64 connections the generator must not be what is measured. */
function repeat(line: Line, text: string, start: number, end: number, times: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = performance.now();
    line.answers.onFail = reject;
    line.answers.onAnswer = () => {
      const now = performance.now();
      if (now >= start && now < end) times.push((now - asked) * 1000);
      if (now >= end) return resolve();
      asked = now;
      line.socket.write(text, 'latin1');
    };
    line.socket.write(text, 'latin1');
  });
}
