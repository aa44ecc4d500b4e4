/**
 * How much of the machine others had while something was measured: programs that this one did not start, and
 * the hypervisor (steal). A measurement that had to share says little about what was measured.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { statOf, ticksPerSecond } from './processes.ts';

/** @returns asked once it is over: their share of all processors, 0 to 1. */
export function watchForeignLoad(): () => number {
  const start = performance.now();
  const before = foreignSeconds();
  return () => {
    const seconds = (performance.now() - start) / 1000;
    return Math.max(0, foreignSeconds() - before) / (seconds * cpus().length);
  };
}

/** Processor time so far of everything that neither is this program's nor the kernel's own. */
function foreignSeconds(): number {
  const all = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = pid > 0 ? statOf(pid) : undefined;
    // Of itself and of the children it has waited for: so nothing is lost when one ends.
    if (stat) all.set(pid, { parent: stat.parent, ticks: stat.own + stat.children });
  }
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) {
      if (at === process.pid || at === kernelThreads) return true;
    }
    return false;
  };
  let ticks = stolenTicks();
  for (const [pid, one] of all) if (!isOurs(pid)) ticks += one.ticks;
  return ticks / ticksPerSecond;
}

const kernelThreads = 2;

const stolenTicks = (): number => Number(readFileSync('/proc/stat', 'utf8').split(/\s+/, 9)[8]);
