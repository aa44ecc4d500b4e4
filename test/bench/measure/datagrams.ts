/**
 * UDP packets a second one way, of 64 and of 1,200 bytes: the highest rate of a ladder that arrives with next to
 * no loss, found by halves.
 */
import { type DatagramRate, sendDatagrams } from '../load/iperf.ts';
import type { Bench, Column, Figures, Measure, Subject } from './measure.ts';

const lengths = [64, 1_200];
const ladder = [
  ...[10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 100_000, 120_000, 150_000],
  ...[180_000, 220_000, 270_000, 330_000],
];
/** Loss that a rate may have to count as carried. */
const tolerable = 0.005;

export const datagrams: Measure = {
  name: 'datagrams',
  cold: true,
  columns: lengths.flatMap((length): Column[] => [
    { key: `packets_${length}`, title: `UDP, ${length} bytes`, unit: '/s', better: 'higher' },
    { key: `cpu_packet_${length}`, title: '  processor time on the way, a packet', unit: 'µs' },
  ]),
  async run(subject, bench): Promise<Figures> {
    const figures: Figures = {};
    for (const length of subject.datagrams ? lengths : []) {
      const most = await carried(subject, length, bench);
      figures[`packets_${length}`] = most?.received ?? 0;
      if (most && subject.name !== 'direct') figures[`cpu_packet_${length}`] = most.cpu;
    }
    return figures;
  },
};

async function carried(
  subject: Subject,
  length: number,
  { milliseconds }: Bench,
): Promise<DatagramRate | undefined> {
  const pids = Object.values(subject.parts).flat();
  let most: DatagramRate | undefined;
  let [low, high] = [-1, ladder.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const o = { length, rate: ladder[middle]!, seconds: Math.max(1, Math.round(milliseconds / 1000)), pids };
    const one = await sendDatagrams(subject.datagrams!, o).catch(() => undefined);
    // A sender that does not reach the rate itself has found the machine's end, not the way's.
    if (one !== undefined && one.loss <= tolerable) {
      low = middle;
      if (one.received > (most?.received ?? 0)) most = one;
    } else high = middle;
  }
  return most;
}
