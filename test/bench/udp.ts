/**
 * UDP packets per second one way, by iperf3: direct over loopback, through a plain Node forwarder, and through
 * `--forward udp:` → Client → Node relay → Connector. `main.ts` starts it; alone: `node test/bench/udp.ts`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { World } from '../world/world.ts';
import { cpuSeconds } from './host/processes.ts';
import { readable } from './report/statistics.ts';
import { table } from './report/table.ts';

interface Subject {
  name: string;
  port: number;
  host: string;
  /** Whose processor time is counted. */
  pids: number[];
}

interface Measured {
  offered: number;
  received: number;
  loss: number;
  /** Microseconds of processor time by packet received. */
  cpu: number;
}

const run = promisify(execFile);
const origin = '127.0.0.99';
const quick = process.argv.includes('--quick');
const seconds = quick ? 1 : 3;
const rates = quick ? [20_000, 60_000] : [20_000, 40_000, 50_000, 60_000, 70_000, 80_000, 100_000, 150_000];
/** Loss that a rate may have to count as carried. */
const tolerable = 0.005;
const running: ChildProcess[] = [];

/** A TCP and a UDP forwarder in one process, as plain as Node has them: iperf3 wants both on one port. */
const plainForwarder = `
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
const [listen, host, port] = process.argv.slice(1);
createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ port: Number(port), host, allowHalfOpen: true });
  near.on('error', () => {}).pipe(far.on('error', () => {})).pipe(near);
}).listen(Number(listen), '127.0.0.1');
const fars = new Map();
const near = createSocket({ type: 'udp4', recvBufferSize: 2 ** 21 });
near.on('message', (bytes, from) => {
  const far = fars.get(from.port);
  if (far) return far.send(bytes);
  const made = createSocket('udp4').on('message', (answer) => near.send(answer, from.port, from.address));
  made.on('error', () => {});
  fars.set(from.port, made);
  made.connect(Number(port), host, () => made.send(bytes));
});
near.bind(Number(listen), '127.0.0.1', () => console.log('ready'));
`;

async function start(command: string, args: string[], ready: RegExp): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  for (;;) {
    const [text] = await once(child.stdout!, 'data');
    if (ready.test(String(text))) break;
  }
  child.stdout!.resume();
  return child;
}

/** @returns undefined when iperf3 gave up: flooded, it may not get through to its own server. */
async function measure(
  { name, host, port, pids }: Subject,
  length: number,
  rate: number,
): Promise<Measured | undefined> {
  const before = cpuSeconds(pids);
  const report = await run('iperf3', [
    ...['--client', host, '--port', String(port), '--udp', '--length', String(length), '--json'],
    ...['--bitrate', String(rate * length * 8), '--pacing-timer', '200', '--time', String(seconds)],
    ...['--window', '4M'],
  ]).catch((error: { stdout: string }) => error);
  const { end, error } = JSON.parse(report.stdout);
  if (error !== undefined) {
    process.stderr.write(`! ${name}, ${rate}/s: ${error}\n`);
    return undefined;
  }
  const { packets, lost_packets: lost, seconds: took } = end.sum;
  const received = packets - lost;
  const cpu = ((cpuSeconds(pids) - before) / received) * 1e6;
  return { offered: packets / took, received: received / took, loss: lost / packets, cpu };
}

async function subjects(world: World): Promise<Subject[]> {
  const port = await world.port();
  await start('iperf3', ['--server', '--bind', origin, '--port', String(port), '--forceflush'], /listening/);
  const plainPort = await world.port();
  const plain = await start(
    process.execPath,
    ['--input-type=module', '--eval', plainForwarder, String(plainPort), origin, String(port)],
    /ready/,
  );
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
    { name: 'plain Node forwarder', host: '127.0.0.1', port: plainPort, pids: [plain.pid!] },
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
  const results: { subject: string; length: number; rates: Measured[] }[] = [];
  for (const length of [64, 1_200]) {
    const rows = [
      [`${length} bytes`, 'most received/s', 'carried/s', 'CPU µs/packet', 'loss at each rate offered/s'],
    ];
    for (const subject of all) {
      const measured: Measured[] = [];
      for (const rate of rates) {
        const one = await measure(subject, length, rate);
        if (one !== undefined) measured.push(one);
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
