/** What the kernel knows of a process and of its children: processor time and memory, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

export const ticksPerSecond = 100;

/** Seconds of processor time so far, user and system together. */
export const cpuSeconds = (pids: number[]): number =>
  sum(pids, (pid) => (statOf(pid)?.own ?? Number.NaN) / ticksPerSecond);

/** The most memory that the processes held, each at its own worst moment, in MiB. */
export function peakMemory(pids: number[]): number {
  return sum(
    pids,
    (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
  );
}

/** Children and theirs, without the process itself. */
export function descendants(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statOf(candidate)?.parent === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

export interface ProcessStat {
  parent: number;
  /** Ticks of processor time, user and system; and those of children that ended and were waited for. */
  own: number;
  children: number;
}

/** Undefined once it has ended. */
export function statOf(pid: number): ProcessStat | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // After the command's name, which may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = (index: number) => Number(fields[index]);
  return { parent: at(1), own: at(11) + at(12), children: at(13) + at(14) };
}

const sum = (pids: number[], of: (pid: number) => number) => pids.reduce((total, pid) => total + of(pid), 0);
