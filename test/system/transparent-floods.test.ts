/**
 * Transparent mode under floods, scans and numbers of connections: nothing is exhausted, memory stays within
 * bounds, whoever is honest gets through afterwards and mostly meanwhile, and nothing of it stays.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askClient } from '#node-agents/client/local-api.ts';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { formatIp } from '#schema/name/ip.ts';
import { deviceAddresses } from '#schema/name/synthetic.ts';
import type { Flood } from '../world/flood.ts';
import { echo, type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces, type Place } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import { errnoAt } from '../world/program.ts';

const { client, server, server2 } = addresses;
/** Of the device: where the kernel has no other address of IPv6. */
const own6 = formatIp(deviceAddresses.v6);
/** Where floods go: a program that does nothing but accept. */
const victim = 7_000;

describe.skipIf(Namespaces.unavailable !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let tun: AgentProcess;
  let port: number;

  beforeAll(async () => {
    internet = await openInternet();
    port = await internet.listen('private', echo(), server2);
    const accept = `require('net').createServer((s) => s.on('error', () => {}).resume()).listen({ port: ${victim}, host: '::', backlog: 4096 })`;
    const [command, ...prefix] = internet.net.prefix('private');
    const accepting = spawn(command!, [...prefix, process.execPath, '-e', accept]);
    internet.afterwards(() => accepting.kill());
    const resources = [await internet.resource('10.66.0.0/24'), await internet.resource('fd66::/64')];
    const { key } = await internet.world.createService(
      'programs',
      resources.map(({ id }) => id),
    );
    await internet.run('client', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    tun = await internet.world.startClient(key, {
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'on', '--gateway', '192.168.77.0/24', '--udp-timeout', '3'],
    });
  }, 120_000);
  afterAll(() => internet?.stop());

  const status = () => askClient<Snapshot>(join(internet.world.stateDir, tun.name), '/status');
  const descriptors = () => readdirSync(`/proc/${tun.pid}/fd`).length;
  const flood = (place: Place, o: Flood) => {
    const args = ['--disable-warning=ExperimentalWarning', 'test/world/flood.ts', JSON.stringify(o)];
    return internet.run(place, process.execPath, ...args);
  };
  const reach = () => errnoAt(internet.net, 'client', server2, port);
  const nothingIsLeft = () =>
    expect
      .poll(async () => (await status()).tun, { timeout: 25_000, interval: 200 })
      .toMatchObject({ tcp: { held: 0, open: 0, closing: 0 }, udp: { associations: 0 } });

  const kinds: [string, Place, Omit<Flood, 'count' | 'perSecond'>][] = [
    [
      'SYNs of this host',
      'client',
      { kind: 'syn', source: client, destination: server, ports: [victim, victim] },
    ],
    [
      'SYNs of a LAN’s made-up devices',
      'lan',
      { kind: 'syn', source: '192.168.77.10', sources: 200, destination: server, ports: [victim, victim] },
    ],
    [
      'SYNs over IPv6 to ports of hosts that are not there',
      'client',
      { kind: 'syn', source: own6, destination: 'fd66::40', destinations: 200, ports: [1, 60_000] },
    ],
    [
      'datagrams to every port',
      'lan',
      { kind: 'udp', source: '192.168.77.10', sources: 200, destination: server, ports: [1, 60_000] },
    ],
  ];

  test.each(kinds)(
    'a flood of %s',
    async (_, place, o) => {
      const before = { memory: tun.memory().now, descriptors: descriptors() };
      let over = false;
      const flooding = flood(place, { ...o, count: 3_000, perSecond: 2_000 }).finally(() => {
        over = true;
      });
      let most = 0;
      let reached = 0;
      while (!over) {
        if ((await reach()) === '') reached++;
        most = Math.max(most, descriptors());
      }
      expect(await flooding).toMatchObject({ code: 0, stdout: '3000\n' });
      expect(reached).toBeGreaterThan(0);
      // Connections that are being accepted have one each.
      expect(most).toBeLessThan(before.descriptors + 2_100);
      await expect.poll(reach, { timeout: 15_000 }).toBe('');
      await nothingIsLeft();
      expect(tun.memory().now).toBeLessThan(before.memory + 150);
    },
    60_000,
  );

  test('more connections than a tunnel carries: what finds no room is told so, and all of it ends', async () => {
    const program = `
      const { connect } = require('node:net');
      const told = {}, kept = [];
      let started = 0, left = 5000;
      const tell = (what) => {
        told[what] = (told[what] ?? 0) + 1;
        if (--left === 0) { console.log(JSON.stringify(told)); process.exit(); }
        next();
      };
      const next = () => {
        if (started++ < 5000)
          kept.push(connect(${victim}, '${server}', () => tell('connected')).on('error', (e) => tell(e.code)));
      };
      for (let i = 0; i < 256; i++) next();`;
    const before = descriptors();
    const told = JSON.parse((await internet.run('client', process.execPath, '-e', program)).stdout);
    // A tunnel that is slow to answer may be replaced meanwhile: then there are two of them, and resets.
    expect(told).toEqual(
      expect.objectContaining({ connected: expect.any(Number), EHOSTUNREACH: expect.any(Number) }),
    );
    expect(Object.keys(told).filter((code) => !/^(connected|EHOSTUNREACH|ECONNRESET)$/.test(code))).toEqual(
      [],
    );
    expect(told.connected).toBeGreaterThan(1_000);
    await nothingIsLeft();
    await expect.poll(reach, { timeout: 15_000 }).toBe('');
    expect(descriptors()).toBeLessThan(before + 10);
  }, 150_000);

  test('ten thousand short connections leave nothing behind', async () => {
    const program = `
      const { connect } = require('node:net');
      let started = 0, ended = 0, failed = 0;
      const next = () => {
        if (started++ >= 1000) return;
        const socket = connect(${port}, '${server2}', () => socket.end('x')).resume();
        socket.on('error', () => failed++);
        socket.on('close', () => { if (++ended === 1000) console.log(failed); next(); });
      };
      for (let i = 0; i < 64; i++) next();`;
    const before = { memory: tun.memory().now, descriptors: descriptors() };
    for (let i = 0; i < 10; i++)
      expect(await internet.run('client', process.execPath, '-e', program)).toMatchObject({ stdout: '0\n' });
    await nothingIsLeft();
    expect(descriptors()).toBeLessThan(before.descriptors + 10);
    expect(tun.memory().now).toBeLessThan(before.memory + 100);
  }, 180_000);
});
