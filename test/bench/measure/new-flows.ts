/** New flows a second, 16 at a time: connect, CONNECT, one small request, close. */
import type { Measure } from './measure.ts';

export const newFlows: Measure = {
  name: 'new-flows',
  columns: [{ key: 'new_flows', title: 'new flows, 16 at a time', unit: '/s', better: 'higher' }],
  async run(subject, { generator, origin, milliseconds }) {
    const target = subject.target(origin.ports.http);
    const { perSecond } = await generator.run({ kind: 'new-flows', target, concurrency: 16, milliseconds });
    return { new_flows: perSecond };
  },
};
