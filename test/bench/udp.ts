/**
 * UDP packets per second one way, by iperf3: direct over loopback, through a plain Node forwarder, and through
 * `--forward udp:` → Client → Node relay → Connector. `main.ts` starts it; alone: `node test/bench/udp.ts`.
 */
import type { ChildProcess } from 'node:child_process';
import { AgentProcess } from '../world/process.ts';
import { World } from '../world/world.ts';
import { type DatagramRate, sendDatagrams, startIperfServer } from './load/iperf.ts';
import { readable } from './report/statistics.ts';
import { table } from './report/table.ts';

interface Subject {
  name: string;
  port: number;
  host: string;
  /** Whose processor time is counted. */
  pids: number[];
}

const origin = '127.0.0.99';
const quick = process.argv.includes('--quick');
const seconds = quick ? 1 : 3;
const rates = quick ? [20_000, 60_000] : [20_000, 40_000, 50_000, 60_000, 70_000, 80_000, 100_000, 150_000];
/** Loss that a rate may have to count as carried. */
const tolerable = 0.005;
const running: ChildProcess[] = [];

async function subjects(world: World): Promise<Subject[]> {
  const port = await world.port();
  running.push(await startIperfServer(origin, port));
  const plain = new AgentProcess('plain', [
    'test/bench/load/plain-forwarder.ts',
    '127.0.0.1',
    origin,
    `${port}`,
  ]);
  world.processes.push(plain);
  const { ports } = (await plain.line('ready')) as unknown as { ports: Record<string, number> };
  const relay = await world.startRelay();
  const network = await world.admin.post('/remote-networks', { name: 'bench' });
  const resource = await world.admin.post('/resources', {
    ...{ name: 'origin', remote_network_id: network.id, address: origin },
    ...{ tcp: 'all', udp: 'all', icmp: false, allow_reserved: true },
  });
  const connector = await world.startConnector(network.id);
  const { key } = await world.createService('bench', [resource.id]);
  const listen = await world.port();
  const client = await world.startClient(key, {
    args: ['--forward', `${listen}=${origin}:${port}`, '--forward', `udp:${listen}=${origin}:${port}`],
  });
  return [
    { name: 'direct', host: origin, port, pids: [] },
    { name: 'plain Node forwarder', host: '127.0.0.1', port: ports[port]!, pids: [plain.pid] },
    {
      name: 'Sallyport',
      host: '127.0.0.1',
      port: listen,
      pids: [client, relay, connector].map(({ pid }) => pid),
    },
  ];
}

const world = await World.start({ slug: 'bench' });
try {
  const all = await subjects(world);
  const results: { subject: string; length: number; rates: DatagramRate[] }[] = [];
  for (const length of [64, 1_200]) {
    const rows = [
      [`${length} bytes`, 'most received/s', 'carried/s', 'CPU µs/packet', 'loss at each rate offered/s'],
    ];
    for (const subject of all) {
      const measured: DatagramRate[] = [];
      for (const rate of rates) {
        const { host, port, pids } = subject;
        await sendDatagrams({ host, port, prefix: [] }, { length, rate, seconds, pids }).then(
          (one) => measured.push(one),
          (error: Error) => process.stderr.write(`! ${subject.name}, ${rate}/s: ${error.message}\n`),
        );
      }
      results.push({ subject: subject.name, length, rates: measured });
      const carried = measured.filter(({ loss }) => loss <= tolerable);
      rows.push([
        subject.name,
        readable(Math.max(...measured.map(({ received }) => received))),
        carried.length > 0 ? readable(Math.max(...carried.map(({ received }) => received))) : '–',
        subject.pids.length > 0 ? readable(Math.min(...measured.map(({ cpu }) => cpu))) : '–',
        measured
          .map(({ offered, loss }) => `${Math.round(offered / 1000)}k ${(loss * 100).toFixed(1)} %`)
          .join('  '),
      ]);
    }
    process.stdout.write(`${table(rows)}\n\n`);
  }
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ bench: 'udp', results })}\n`);
} finally {
  for (const child of running) child.kill();
  await world.stop();
}
