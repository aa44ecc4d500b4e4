/**
 * UDP one way at a given rate, by iperf3: a sender that is cheaper than anything in Node, and a receiver that
 * counts what is missing.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { cpuSeconds } from '../host/processes.ts';
import type { DatagramTarget } from '../measure/measure.ts';

export interface DatagramRate {
  /** Each second. */
  offered: number;
  received: number;
  loss: number;
  /** Microseconds of processor time by packet received, of the given processes. */
  cpu: number;
}

const run = promisify(execFile);

export async function startIperfServer(
  address: string,
  port: number,
  prefix: string[] = [],
): Promise<ChildProcess> {
  const command = [...prefix, 'iperf3', '--server', '--bind', address, '--port', `${port}`, '--forceflush'];
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = once(child, 'error').then(([error]) => Promise.reject(error));
  for (;;) {
    const [text] = await Promise.race([once(child.stdout!, 'data'), failed]);
    if (/listening/.test(String(text))) break;
  }
  child.stdout!.resume();
  return child;
}

/** @throws what iperf3 says when it gave up: flooded, it may not get through to its own server. */
export async function sendDatagrams(
  { host, port, prefix }: DatagramTarget,
  /** `seconds`: whole ones. */
  o: { length: number; rate: number; seconds: number; pids: number[] },
): Promise<DatagramRate> {
  const before = cpuSeconds(o.pids);
  const command = [
    ...[...prefix, 'iperf3', '--client', host, '--port', `${port}`, '--udp', '--json'],
    ...['--length', `${o.length}`, '--bitrate', `${o.rate * o.length * 8}`, '--time', `${o.seconds}`],
    ...['--pacing-timer', '200', '--window', '4M', '--connect-timeout', '5000'],
  ];
  const report = await run(command[0]!, command.slice(1), { timeout: (o.seconds + 6) * 1000 }).catch(
    (error: { stdout: string }) => error,
  );
  if (!report.stdout) throw new Error((report as unknown as Error).message);
  const { end, error } = JSON.parse(report.stdout);
  if (error !== undefined) throw new Error(error);
  const { packets, lost_packets: lost, seconds: took } = end.sum;
  const received = packets - lost;
  const cpu = ((cpuSeconds(o.pids) - before) / received) * 1e6;
  return { offered: packets / took, received: received / took, loss: lost / packets, cpu };
}
