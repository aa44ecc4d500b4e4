/**
 * Bulk throughput, 1 and 8 flows, each way; and what it cost: processor time of every process over all four,
 * by the bytes of payload moved.
 */
import { cpuSeconds } from '../host/processes.ts';
import type { Bench, Figures, Measure, Subject } from './measure.ts';

const kinds = ([1, 8] as const).flatMap((flows) =>
  (['down', 'up'] as const).map((direction) => ({
    flows,
    direction,
    key: `throughput_${direction}_${flows}`,
  })),
);

/** @param parts that a way can have, in the order that a request meets them. */
export const throughput = (parts: string[]): Measure => ({
  name: 'throughput',
  columns: [
    ...kinds.map(({ flows, direction, key }) => ({
      key,
      title: `throughput ${direction}, ${flows} ${flows === 1 ? 'flow' : 'flows'}`,
      unit: 'Gbit/s',
      better: 'higher' as const,
    })),
    { key: 'cpu', title: 'processor time, all processes', unit: 's/GB', better: 'lower' },
    { key: 'cpu_between', title: 'processor time between load and origin', unit: 's/GB' },
    ...['load', ...parts, 'origin'].map((part) => ({
      key: `cpu_${part}`,
      title: `  of it ${part}`,
      unit: 's/GB',
    })),
  ],
  run: measure,
});

async function measure(subject: Subject, bench: Bench): Promise<Figures> {
  const { generator, origin, milliseconds } = bench;
  const target = subject.target(origin.ports.bulk);
  const parts = Object.entries({ load: [generator.pid], ...subject.parts, origin: [origin.pid] });
  const before = parts.map(([, pids]) => cpuSeconds(pids));
  const figures: Figures = {};
  let bytes = 0;
  for (const { flows, direction, key } of kinds) {
    const result = await generator.run({ kind: 'bulk', target, direction, flows, milliseconds });
    figures[key] = (result.bytes * 8) / 1e6 / result.milliseconds;
    bytes += result.bytes;
  }
  figures['cpu'] = figures['cpu_between'] = 0;
  parts.forEach(([part, pids], i) => {
    const cost = (cpuSeconds(pids) - before[i]!) / (bytes / 1e9);
    figures[`cpu_${part}`] = cost;
    figures['cpu']! += cost;
    if (part in subject.parts) figures['cpu_between']! += cost;
  });
  return figures;
}
