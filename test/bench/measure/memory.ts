/** The most memory that each part of the way held since it started: taken once, after all rounds. */
import { peakMemory } from '../host/processes.ts';
import type { Measure } from './measure.ts';

export const memory = (parts: string[]): Measure => ({
  name: 'memory',
  once: true,
  columns: parts.map((part) => ({ key: `memory_${part}`, title: `memory at peak, ${part}`, unit: 'MiB' })),
  async run({ parts }) {
    return Object.fromEntries(
      Object.entries(parts).map(([part, pids]) => [`memory_${part}`, peakMemory(pids)]),
    );
  },
});
