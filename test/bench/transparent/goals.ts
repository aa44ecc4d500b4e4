/** What transparent mode is to reach, beside what it did. */
import type { Compared, Conclusion } from '../measure/compare.ts';
import { readable } from '../report/statistics.ts';
import { table } from '../report/table.ts';

export function goals({ result }: Compared): Conclusion {
  const median = (subject: string, key: string) => result[subject]?.summaries[key]?.median;
  const over = (subject: string, base: string, key: string) => {
    const [own, other] = [median(subject, key), median(base, key)];
    return own !== undefined && other ? own / other : undefined;
  };
  const throughputs = ['down_1', 'up_1', 'down_8', 'up_8'];
  const asked: [string, number | undefined, number][] = [
    ...throughputs.map((kind): [string, number | undefined, number] => [
      `interception ${kind}, × plain Node proxy`,
      over('interception', 'plain_proxy', `throughput_${kind}`),
      0.9,
    ]),
    ...throughputs
      .slice(0, 2)
      .map((kind): [string, number | undefined, number] => [
        `whole path ${kind}, × wireguard-go`,
        over('whole_path', 'wireguard_go', `throughput_${kind}`),
        3,
      ]),
    ['whole path, new flows/s', median('whole_path', 'new_flows'), 2_000],
    ['whole path, UDP packets/s of 1,200 bytes', median('whole_path', 'packets_1200'), 60_000],
  ];
  const measured = asked.filter((one): one is [string, number, number] => one[1] !== undefined);
  const rows = measured.map(([what, value, goal]) => [
    what,
    readable(value),
    `goal ${readable(goal)}`,
    value >= goal ? 'reached' : 'missed',
  ]);
  return {
    text: table(rows),
    json: { goals: measured.map(([what, value, goal]) => ({ what, value, goal, reached: value >= goal })) },
  };
}
