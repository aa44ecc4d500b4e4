/**
 * A small request while one bulk flow fills the same way, in the direction of its answer: how much it waits. Asked
 * by a process of its own, so that the load generator's reading is not what it waits for.
 */
import { Generator } from '../load/process.ts';
import type { Measure } from './measure.ts';

export const beside: Measure = {
  name: 'beside',
  columns: (['p50', 'p99'] as const).map((quantile) => ({
    key: `beside_${quantile}`,
    title: `latency ${quantile}, beside a bulk flow`,
    unit: 'µs',
    better: 'lower',
  })),
  async run(subject, { generator, origin, milliseconds }) {
    const asking = await Generator.start();
    try {
      const target = subject.target(origin.ports.http);
      const bulk = subject.target(origin.ports.bulk);
      const [{ p50, p99 }] = await Promise.all([
        asking.run({ kind: 'exchanges', target, form: 'connect', connections: 1, milliseconds }),
        // The first fifth of the exchanges warms up and is dropped.
        generator.run({
          ...{ kind: 'bulk', target: bulk, direction: 'down', flows: 1 },
          milliseconds: milliseconds * 1.3,
        }),
      ]);
      return { beside_p50: p50, beside_p99: p99 };
    } finally {
      asking.stop();
    }
  },
};
