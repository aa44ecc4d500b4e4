/**
 * UDP without transparent mode, with every part a process: forwards and SOCKS 5, through the Node relay and
 * the edge relay, a real DNS server behind it, and the ends of associations: idleness, limits, denial,
 * revocation.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import { AgentProcess } from '../world/process.ts';
import { SocksUdp } from '../world/socks-udp.ts';
import { connectTo, exchange, startEcho } from '../world/udp-load.ts';

const run = promisify(execFile);
let office: Office;
let client: AgentProcess;
let echo: Socket;
let dns: ChildProcess;
let service: Awaited<ReturnType<Office['world']['createService']>>;
let ports: Record<'echo' | 'dns' | 'socks' | 'forward' | 'closed' | 'closedForward' | 'denied', number>;

beforeAll(async () => {
  office = await openOffice();
  const { world } = office;
  echo = await startEcho(officeAddress);
  const [dnsPort, socks, forward, closed, closedForward, dnsForward] = await Promise.all(
    Array.from({ length: 6 }, () => world.port()),
  );
  ports = {
    echo: echo.address().port,
    dns: dnsForward!,
    socks: socks!,
    forward: forward!,
    closed: closed!,
    closedForward: closedForward!,
    denied: echo.address().port === 9 ? 10 : 9,
  };
  dns = await startDns(dnsPort!);
  const allowed = [ports.echo, dnsPort!, closed!].map((port) => ({ from: port, to: port }));
  const resource = await office.resource('udp.internal', { tcp: 'none', udp: allowed });
  service = await world.createService('player', [resource.id]);
  client = await world.startClient(service.key, {
    args: [
      ...['--socks5', `127.0.0.1:${socks}`],
      ...['--forward', `udp:${forward}=udp.internal:${ports.echo}`],
      ...['--forward', `udp:${dnsForward}=udp.internal:${dnsPort}`],
      ...['--forward', `udp:${closedForward}=udp.internal:${closed}`],
    ],
  });
}, 120_000);

afterAll(async () => {
  dns?.kill();
  echo?.close();
  await office?.stop();
});

/** dnsmasq on the private address, with records that do not fit into a datagram of 512 bytes too. */
async function startDns(port: number): Promise<ChildProcess> {
  const records = Array.from({ length: 10 }, (_, i) => `--txt-record=large.corp,${String(i).repeat(100)}`);
  const server = spawn(
    'dnsmasq',
    [
      ...['--keep-in-foreground', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--bind-interfaces'],
      ...['--no-daemon', '--user=root', `--listen-address=${officeAddress}`, `--port=${port}`],
      ...['--edns-packet-max=4096', '--host-record=db.corp,10.1.2.3', ...records],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const failed = (cause: unknown) => {
    throw new Error('dnsmasq does not run; is dnsmasq-base installed?', { cause });
  };
  await Promise.race([once(server.stderr!, 'data'), once(server, 'exit').then(failed, failed)]);
  return server;
}

async function snapshotOf({ name }: AgentProcess): Promise<Snapshot> {
  const status = new AgentProcess('status', ['node-agents/sallyportd.ts', 'status', '--json'], {
    env: { SALLYPORT_STATE_DIR: join(office.world.stateDir, name) },
  });
  await status.exited;
  return status.lines[0] as unknown as Snapshot;
}

const events = async (query: string) =>
  (await office.world.admin.get(`/events?${query}&limit=100`)).items as Record<string, unknown>[];

const whole = (count: number) => ({ sent: count, received: count, reordered: 0, duplicated: 0, damaged: 0 });

test('datagrams of every size come back unharmed, complete and in order through the Node relay', async () => {
  const socket = await connectTo(ports.forward);
  expect(await exchange(socket, { count: 5_000, bytes: 64 })).toEqual(whole(5_000));
  expect(await exchange(socket, { count: 5_000, bytes: 1_200 })).toEqual(whole(5_000));
  expect(await exchange(socket, { count: 100, bytes: 20_000, window: 4 })).toEqual(whole(100));
  expect(await exchange(socket, { count: 20, bytes: 65_000, window: 1 })).toEqual(whole(20));
  socket.close();
  const { udp } = await snapshotOf(client);
  expect(udp.datagrams_down).toBeGreaterThanOrEqual(10_120);
  expect(udp.datagrams_dropped).toBe(0);
});

test('dig asks a real DNS server through a forward, also for what needs a large datagram', async () => {
  const dig = async (...args: string[]) =>
    (await run('dig', ['@127.0.0.1', '-p', String(ports.dns), '+tries=1', ...args])).stdout;
  expect(await dig('+short', 'db.corp')).toBe('10.1.2.3\n');
  expect(await dig('nothing.corp')).toContain('status: REFUSED');
  const large = await dig('+bufsize=4096', '+ignore', 'large.corp', 'TXT');
  expect(large.match(/"\d{100}"/g)).toHaveLength(10);
  expect(large).toContain('(UDP)');
});

test('SOCKS 5 UDP ASSOCIATE reaches a Resource by name, and nothing once its connection has ended', async () => {
  const program = await SocksUdp.open(ports.socks);
  for (const text of ['one', 'two', 'x'.repeat(1_400)]) {
    program.send('UDP.internal', ports.echo, text);
    const [answer] = await once(program, 'datagram');
    expect(answer).toEqual({ host: 'UDP.internal', port: ports.echo, data: Buffer.from(text) });
  }
  const before = (await snapshotOf(client)).udp.associations;
  program.close();
  await expect.poll(async () => (await snapshotOf(client)).udp.associations).toBe(before - 1);
});

test('SOCKS 5 reaches what is no Resource straight from here', async () => {
  const outside = await startEcho('127.0.0.1');
  const program = await SocksUdp.open(ports.socks);
  program.send('127.0.0.1', outside.address().port, 'straight');
  expect((await once(program, 'datagram'))[0].data.toString()).toBe('straight');
  program.close();
  outside.close();
});

test('a port that is denied gives no answer and one event, however often it is tried', async () => {
  const program = await SocksUdp.open(ports.socks);
  const answers: number[] = [];
  program.on('datagram', ({ port }) => answers.push(port));
  for (let i = 0; i < 50; i++) program.send('udp.internal', ports.denied, 'knock');
  program.send('udp.internal', ports.echo, 'allowed');
  await expect.poll(() => answers).toEqual([ports.echo]);
  const denials = async () => (await events('kind=denied')).filter(({ port }) => port === ports.denied);
  await expect.poll(denials, { timeout: 10_000 }).toHaveLength(1);
  expect((await denials())[0]).toMatchObject({
    ...{ code: 'port_denied', protocol: 'udp', host: 'udp.internal', path: 'none' },
    client_address: '127.0.0.1',
  });
  expect(answers).toEqual([ports.echo]);
  program.close();
});

test('a closed port is told as the end of the association', async () => {
  const socket = await connectTo(ports.closedForward);
  socket.send('anybody?');
  await expect
    .poll(() => events('kind=closed'), { timeout: 10_000 })
    .toContainEqual(expect.objectContaining({ port: ports.closed, code: 'connection_refused' }));
  socket.close();
});

test('an association without datagrams ends in its time, with one event; the next datagram begins anew', async () => {
  const { world } = office;
  const forward = await world.port();
  const short = await world.startClient(service.key, {
    args: ['--udp-timeout', '5', '--forward', `udp:${forward}=udp.internal:${ports.echo}`],
  });
  const socket = await connectTo(forward);
  expect(await exchange(socket, { count: 10, bytes: 100 })).toEqual(whole(10));
  expect((await snapshotOf(short)).udp.associations).toBe(1);
  await expect.poll(async () => (await snapshotOf(short)).udp.associations, { timeout: 30_000 }).toBe(0);
  const { instance } = await snapshotOf(short);
  const mine = async () => (await events('kind=closed')).filter((event) => event.instance === instance);
  await expect.poll(mine, { timeout: 10_000 }).toHaveLength(1);
  expect((await mine())[0]).toMatchObject({ protocol: 'udp', bytes_up: 1_000, bytes_down: 1_000 });
  expect((await mine())[0]!.code ?? null).toBeNull();
  expect(await exchange(socket, { count: 10, bytes: 100 })).toEqual(whole(10));
  socket.close();
  await short.stop();
});

test('beyond its limit a source loses its unused associations and goes on', async () => {
  const sockets = await Promise.all(Array.from({ length: 1_200 }, () => connectTo(ports.forward)));
  for (const socket of sockets) expect(await exchange(socket, { count: 1, bytes: 100 })).toEqual(whole(1));
  const { udp } = await snapshotOf(client);
  expect(udp.associations).toBeLessThanOrEqual(1_024);
  expect(udp.evicted).toBeGreaterThanOrEqual(1_200 - 1_024);
  // The first of them was evicted and is let in again.
  expect(await exchange(sockets[0]!, { count: 10, bytes: 100 })).toEqual(whole(10));
  for (const socket of sockets) socket.close();
});

test('a key that is revoked cuts its associations', async () => {
  const { world } = office;
  const key = await world.createKey(service.id);
  const forward = await world.port();
  const doomed = await world.startClient(key, {
    args: ['--forward', `udp:${forward}=udp.internal:${ports.echo}`],
  });
  const socket = await connectTo(forward);
  expect(await exchange(socket, { count: 10, bytes: 100 })).toEqual(whole(10));
  const receipt = await world.admin.post(`/service-keys/${key.id}/revoke`);
  expect(receipt).toMatchObject({ receipt: { flows_cut: 1 } });
  expect(await exchange(socket, { count: 10, bytes: 100, patienceMs: 500 })).toMatchObject({ received: 0 });
  expect(await doomed.exited).toBe(3);
  await expect
    .poll(() => events('kind=closed'), { timeout: 10_000 })
    .toContainEqual(expect.objectContaining({ key: key.id, protocol: 'udp', code: 'revoked' }));
  socket.close();
});

test('without the Node relay associations begin anew through the edge relay, complete and in order', async () => {
  const socket = await connectTo(ports.forward);
  await exchange(socket, { count: 10, bytes: 100 });
  await office.relay.stop();
  await expect
    .poll(() => exchange(socket, { count: 10, bytes: 100, patienceMs: 1_000 }), { timeout: 30_000 })
    .toEqual(whole(10));
  const [network] = (await snapshotOf(client)).networks;
  expect(network!.connectors.map(({ relay }) => relay)).toEqual(['rel_edge']);
  expect(await exchange(socket, { count: 2_000, bytes: 64 })).toEqual(whole(2_000));
  expect(await exchange(socket, { count: 2_000, bytes: 1_200 })).toEqual(whole(2_000));
  socket.close();
});
