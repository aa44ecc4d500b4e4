/**
 * The tunnel against plain TLS, in one run: load → Client process → Connector process → origin, all on loopback;
 * load and origin live in the first process. Both chains go from socket to socket; the plain one makes a pinned
 * TLS connection per flow, the other one tunnel for all. Prints figures and the ratio tunnel / plain.
 *
 *   node test/bench/tunnel.ts [--seconds N] [--json]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import * as net from 'node:net';
import { pipeline } from 'node:stream';
import { parseArgs } from 'node:util';
import { createIdentity } from '#node-agents/link/identity.ts';
import { acceptPinned, connectPinned } from '#node-agents/link/pinned-tls.ts';
import { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { ConnectorTunnel } from '#node-agents/link/tunnel/connector.ts';
import { splice } from '#node-agents/link/tunnel/splice.ts';
import type { ConnectorHash } from '#schema/ids.ts';
import { mintId } from '#schema/ids.ts';

type Chain = 'tunnel' | 'plain';
const common = { log: { debug() {} }, now: () => performance.now() };
const timeoutMs = 10_000;
/** First byte of a connection: what it wants. */
const wants = { echo: 1, pour: 2, sink: 3 } as const;
/** Bytes that the origin has swallowed. */
let received = 0;
const { values: flags } = parseArgs({
  options: {
    role: { type: 'string' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

if (flags.role === 'connector') await connector();
else if (flags.role === 'client') await client();
else await main();

async function connector(): Promise<void> {
  const [message] = (await once(process, 'message')) as [{ origin: number }];
  reportCpu();
  const identity = await createIdentity();
  const dial = () =>
    net.connect({ port: message.origin, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const tunnels = net.createServer({ noDelay: true }, async (raw) => {
    const { socket } = await acceptPinned(raw, { identity, timeoutMs });
    new ConnectorTunnel(socket, {
      ...common,
      onHello: async () => ({ ok: true }),
      onAcl: async () => ({ ok: true }),
      onClose() {},
      onFlow(request) {
        const out = dial();
        out.once('connect', () => splice(request.accept({ resolved: '127.0.0.1' }), out));
      },
    });
  });
  const plain = net.createServer({ noDelay: true }, async (raw) => {
    const { socket } = await acceptPinned(raw, { identity, timeoutMs });
    const out = dial();
    pipeline(socket, out, () => {});
    pipeline(out, socket, () => {});
  });
  process.send!({ tunnel: await listen(tunnels), plain: await listen(plain), hash: identity.hash });
}

/** Answers each message with the microseconds of processor time used so far. */
function reportCpu(): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send!(user + system);
  });
}

async function client(): Promise<void> {
  const [far] = (await once(process, 'message')) as [{ tunnel: number; plain: number; hash: ConnectorHash }];
  reportCpu();
  const identity = await createIdentity();
  const meet = (port: number) =>
    connectPinned(net.connect({ port, host: '127.0.0.1', noDelay: true }), {
      identity,
      connectorHash: far.hash,
      timeoutMs,
    });
  const tunnel = await ClientTunnel.open(await meet(far.tunnel), { ...common, connectionToken: '', acl: '' });
  const connectionId = mintId('connection', new Uint8Array(16));
  const viaTunnel = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const destination = { protocol: 'tcp', host: 'origin.internal', port: 80 } as const;
    splice(tunnel.openFlow({ connectionId, destination, clientAddress: '' }), socket);
  });
  const viaPlain = net.createServer({ noDelay: true }, async (socket) => {
    const out = await meet(far.plain);
    pipeline(socket, out, () => {});
    pipeline(out, socket, () => {});
  });
  process.send!({ tunnel: await listen(viaTunnel), plain: await listen(viaPlain) });
}

async function main(): Promise<void> {
  const seconds = Number(flags.seconds);
  const children: ChildProcess[] = [];
  const start = (role: string) => {
    const child = fork(new URL(import.meta.url), ['--role', role]);
    children.push(child);
    return child;
  };
  try {
    const origin = await listen(net.createServer({ noDelay: true }, serve));
    const far = start('connector');
    far.send({ origin });
    const near = start('client');
    near.send((await once(far, 'message'))[0]);
    const [ports] = (await once(near, 'message')) as [Record<Chain, number>];
    const rows: Record<string, Record<Chain, number>> = {};
    const measure = async (name: string, run: (port: number) => Promise<number>) => {
      await run(ports.tunnel);
      const row = { plain: await run(ports.plain), tunnel: await run(ports.tunnel) };
      rows[name] = row;
      if (!flags.json) {
        const ratio = (row.tunnel / row.plain).toFixed(2);
        console.log(
          `${name.padEnd(34)} plain ${row.plain.toFixed(0).padStart(7)}  tunnel ${row.tunnel.toFixed(0).padStart(7)}  ratio ${ratio}`,
        );
      }
    };
    /** Microseconds of processor time that the two agents have used so far. */
    const cpu = async () =>
      sum(
        await Promise.all(
          children.map(async (child) => {
            child.send('cpu');
            return (await once(child, 'message'))[0] as number;
          }),
        ),
      );
    await measure('bulk down, MB/s', (port) => bulkDown(port, seconds));
    await measure('bulk down, 8 flows, MB/s', async (port) =>
      sum(await Promise.all(Array.from({ length: 8 }, () => bulkDown(port, seconds)))),
    );
    await measure('bulk up, MB/s', (port) => bulkUp(port, seconds));
    for (const [way, bulk] of [
      ['down', bulkDown],
      ['up', bulkUp],
    ] as const) {
      await measure(`CPU of both agents, bulk ${way}, ms/GB`, async (port) => {
        const before = await cpu();
        const moved = (await bulk(port, seconds)) * (seconds + 0.3);
        return ((await cpu()) - before) / moved;
      });
    }
    await measure('request p50, µs', async (port) => (await requests(port, seconds)).p50);
    await measure('requests/s, 32 connections', async (port) =>
      sum((await Promise.all(Array.from({ length: 32 }, () => requests(port, seconds)))).map((r) => r.rate)),
    );
    for (const quantile of ['p50', 'p99'] as const) {
      await measure(`request ${quantile} beside bulk, µs`, async (port) => {
        const bulk = bulkDown(port, seconds);
        const beside = await requests(port, seconds - 0.5);
        await bulk;
        return beside[quantile];
      });
    }
    await measure('new flows/s, 1 at a time', (port) => newFlows(port, seconds, 1));
    await measure('new flows/s, 16 at a time', (port) => newFlows(port, seconds, 16));
    if (flags.json) console.log(JSON.stringify(rows));
  } finally {
    for (const child of children) child.kill();
  }
  process.exit();
}

function serve(socket: net.Socket): void {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    if (first[0] === wants.pour) {
      const chunk = Buffer.alloc(64 * 1024);
      const pour = () => {
        while (socket.write(chunk));
      };
      socket.on('drain', pour);
      pour();
    } else if (first[0] === wants.echo) {
      const answer = Buffer.alloc(1024);
      const asked = () => socket.write(answer);
      socket.on('data', asked);
      asked();
    } else {
      socket.on('data', (chunk) => {
        received += chunk.length;
      });
    }
  });
}
async function bulkDown(port: number, seconds: number): Promise<number> {
  let bytes = 0;
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: Buffer.alloc(256 * 1024),
      callback: (count) => {
        bytes += count;
        return true;
      },
    },
  });
  socket.on('error', () => {});
  socket.write(Uint8Array.of(wants.pour));
  await after(0.3);
  const [from, at] = [bytes, performance.now()];
  await after(seconds);
  const rate = (bytes - from) / 1e3 / (performance.now() - at);
  socket.destroy();
  await after(0.1);
  return rate;
}

async function bulkUp(port: number, seconds: number): Promise<number> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  const chunk = Buffer.alloc(64 * 1024);
  const pour = () => {
    while (socket.write(chunk));
  };
  socket.on('drain', pour);
  socket.write(Uint8Array.of(wants.sink));
  await after(0.1);
  pour();
  await after(0.3);
  const [from, at] = [received, performance.now()];
  await after(seconds);
  const rate = (received - from) / 1e3 / (performance.now() - at);
  socket.destroy();
  await after(0.1);
  return rate;
}

async function requests(port: number, seconds: number) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  const ask = Buffer.alloc(100, wants.echo);
  const times: number[] = [];
  await once(socket, 'connect');
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const at = performance.now();
    socket.write(ask);
    for (let got = 0; got < 1024; ) got += ((await once(socket, 'data')) as [Buffer])[0].length;
    times.push((performance.now() - at) * 1000);
  }
  socket.destroy();
  times.shift();
  times.sort((a, b) => a - b);
  const quantile = (q: number) => times[Math.floor(times.length * q)] ?? Number.NaN;
  return { p50: quantile(0.5), p99: quantile(0.99), rate: times.length / seconds };
}

async function newFlows(port: number, seconds: number, atOnce: number): Promise<number> {
  let count = 0;
  const end = performance.now() + seconds * 1000;
  const one = async () => {
    while (performance.now() < end) {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
      socket.write(Uint8Array.of(wants.echo));
      await once(socket, 'data');
      socket.destroy();
      count++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return count / seconds;
}

async function listen(server: net.Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as net.AddressInfo).port;
}

function after(seconds: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
