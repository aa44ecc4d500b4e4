/**
 * How long a datagram is on its way to the Resource and back while bulk flows fill the same tunnel:
 * `--forward udp:` → Client → Node relay → Connector, against plain loopback beside the same load, and against
 * the small request of TCP's own (`path`, measure `beside`). `main.ts` starts it; alone: `node test/bench/udp-rtt.ts`.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentProcess } from '../world/process.ts';
import { World } from '../world/world.ts';
import { Generator, startOrigin } from './load/process.ts';
import { readable } from './report/statistics.ts';
import { table } from './report/table.ts';

interface RoundTrips {
  load: string;
  sent: number;
  lost: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
  bulk_gbits: number;
}

const quick = process.argv.includes('--quick');
const milliseconds = quick ? 1_500 : 5_000;
const everyMs = 5;
const length = 200;
const lateMs = 1_000;
const loads: { load: string; flows: number; direction: 'down' | 'up' }[] = [
  { load: 'nothing', flows: 0, direction: 'down' },
  { load: '1 flow down', flows: 1, direction: 'down' },
  { load: '1 flow up', flows: 1, direction: 'up' },
  { load: '8 flows down', flows: 8, direction: 'down' },
  { load: '8 flows up', flows: 8, direction: 'up' },
];

/** Numbered datagrams at an even pace, for as long as the load lasts. */
async function roundTrips(
  port: number,
  host: string,
  whileBusy: Promise<unknown>,
): Promise<[number[], number]> {
  const socket = createSocket('udp4');
  socket.connect(port, host);
  await once(socket, 'connect');
  const sentAt: number[] = [];
  const took: number[] = [];
  socket.on('message', (bytes) => {
    took.push(performance.now() - sentAt[bytes.readUInt32BE(0)]!);
  });
  let busy = true;
  void whileBusy.finally(() => {
    busy = false;
  });
  while (busy) {
    const datagram = Buffer.alloc(length);
    datagram.writeUInt32BE(sentAt.push(performance.now()) - 1);
    socket.send(datagram);
    await sleep(everyMs);
  }
  await sleep(lateMs);
  socket.close();
  return [took.toSorted((a, b) => a - b), sentAt.length];
}

const world = await World.start({ slug: 'bench' });
const origin = await startOrigin('127.0.0.99');
const generator = await Generator.start();
try {
  const echo = new AgentProcess('echo', ['test/bench/load/echo-datagrams.ts', origin.address]);
  world.processes.push(echo);
  const echoPort = Number((await echo.line('ready'))['port']);
  await world.startRelay();
  const network = await world.admin.post('/remote-networks', { name: 'bench' });
  const resource = await world.admin.post('/resources', {
    ...{ name: 'origin', remote_network_id: network.id, address: origin.address },
    ...{ tcp: 'all', udp: 'all', icmp: false, allow_reserved: true },
  });
  await world.startConnector(network.id);
  const { key } = await world.createService('bench', [resource.id]);
  const [udp, tcp] = [await world.port(), await world.port()];
  await world.startClient(key, {
    args: [
      ...['--forward', `udp:${udp}=${origin.address}:${echoPort}`],
      ...['--forward', `${tcp}=${origin.address}:${origin.ports.bulk}`],
    ],
  });
  const subjects = [
    {
      name: 'direct',
      udp: { host: origin.address, port: echoPort },
      bulk: { host: origin.address, port: origin.ports.bulk },
    },
    { name: 'Sallyport', udp: { host: '127.0.0.1', port: udp }, bulk: { host: '127.0.0.1', port: tcp } },
  ];
  const results: { subject: string; trips: RoundTrips[] }[] = [];
  for (const subject of subjects) {
    const rows = [[`${subject.name}, beside`, 'p50 ms', 'p99 ms', 'longest ms', 'lost', 'Gbit/s of bulk']];
    const trips: RoundTrips[] = [];
    for (const { load, flows, direction } of loads) {
      const busy =
        flows === 0
          ? sleep(milliseconds, { bytes: 0, milliseconds: 1 })
          : generator.run({ kind: 'bulk', target: subject.bulk, direction, flows, milliseconds });
      const [took, sent] = await roundTrips(subject.udp.port, subject.udp.host, busy);
      const { bytes, milliseconds: ms } = await busy;
      const at = (share: number) =>
        took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
      const one = {
        ...{ load, sent, lost: sent - took.length, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) },
        bulk_gbits: (bytes * 8) / ms / 1e6,
      };
      trips.push(one);
      rows.push([
        ...[load, readable(one.p50_ms), readable(one.p99_ms), readable(one.max_ms)],
        ...[`${one.lost} of ${sent}`, flows === 0 ? '–' : readable(one.bulk_gbits)],
      ]);
    }
    results.push({ subject: subject.name, trips });
    process.stdout.write(`${table(rows)}\n\n`);
  }
  if (process.argv.includes('--json'))
    process.stdout.write(`${JSON.stringify({ bench: 'udp-rtt', results })}\n`);
} finally {
  generator.stop();
  origin.stop();
  await world.stop();
}
