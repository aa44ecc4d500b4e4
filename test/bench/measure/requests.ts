/**
 * Small requests over kept connections: how many a second at 64, how long each takes on one. Asked in a
 * CONNECT tunnel per connection and in absolute-form; directly there is but one form.
 */
import type { Bench, Column, Figures, Measure, Subject } from './measure.ts';

const forms = ['connect', 'absolute'] as const;

export const requests: Measure = {
  name: 'requests',
  columns: [
    ...forms.map(
      (form): Column => ({
        key: `requests_${form}`,
        title: `requests, 64 connections, ${title(form)}`,
        unit: '/s',
        better: 'higher',
      }),
    ),
    ...forms.flatMap((form) =>
      (['p50', 'p99'] as const).map(
        (quantile): Column => ({
          key: `latency_${form}_${quantile}`,
          title: `latency ${quantile}, 1 connection, ${title(form)}`,
          unit: 'µs',
          better: 'lower',
        }),
      ),
    ),
  ],
  run: measure,
};

function title(form: (typeof forms)[number]): string {
  return form === 'connect' ? 'CONNECT' : 'absolute-form';
}

/**
 * What waits for a compiler or a garbage collector is some hundredths of all exchanges of a process that has just
 * started and less than one of one that runs: so many times longer is everybody warmed up.
 */
const warmUp = 16;

async function measure(
  subject: Subject,
  { generator, origin, milliseconds, warming }: Bench,
): Promise<Figures> {
  const target = subject.target(origin.ports.http);
  const figures: Figures = {};
  for (const form of target.proxy ? forms : forms.slice(0, 1)) {
    const job = { kind: 'exchanges', target, form, milliseconds } as const;
    const one = await generator.run({
      ...job,
      connections: 1,
      milliseconds: warming ? milliseconds * warmUp : milliseconds,
    });
    const many = await generator.run({ ...job, connections: 64 });
    for (const named of target.proxy ? [form] : forms) {
      figures[`requests_${named}`] = many.perSecond;
      figures[`latency_${named}_p50`] = one.p50;
      figures[`latency_${named}_p99`] = one.p99;
    }
  }
  return figures;
}
