/**
 * Bulk throughput, 1 and 8 flows, each way; and what it cost: processor time of every process over all four,
 * by the bytes of payload moved.
 */
import { cpuSeconds } from '../host/processes.ts';
import { type Bench, type Figures, type Measure, partNames, type Subject } from './measure.ts';

const kinds = ([1, 8] as const).flatMap((flows) =>
  (['down', 'up'] as const).map((direction) => ({
    flows,
    direction,
    key: `throughput_${direction}_${flows}`,
  })),
);

export const throughput: Measure = {
  name: 'throughput',
  columns: [
    ...kinds.map(({ flows, direction, key }) => ({
      key,
      title: `throughput ${direction}, ${flows} ${flows === 1 ? 'flow' : 'flows'}`,
      unit: 'Gbit/s',
      better: 'higher' as const,
    })),
    { key: 'cpu', title: 'processor time, all processes', unit: 's/GB', better: 'lower' },
    ...partNames.map((part) => ({ key: `cpu_${part}`, title: `  of it ${part}`, unit: 's/GB' })),
  ],
  run: measure,
};

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
  const costs = parts.map(
    ([part, pids], i) => [part, (cpuSeconds(pids) - before[i]!) / (bytes / 1e9)] as const,
  );
  for (const [part, cost] of costs) figures[`cpu_${part}`] = cost;
  figures['cpu'] = costs.reduce((sum, [, cost]) => sum + cost, 0);
  return figures;
}
