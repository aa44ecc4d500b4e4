/**
 * Pings through transparent mode while the machine has other things to do: every echo has its one answer, whether
 * it is the first of its kind, one of hundreds at once, or beside a transfer that takes all there is. And where
 * the Connector may not ping, the reason is told.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces, type Place } from '../world/namespaces.ts';

const why = Namespaces.unavailable;

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;

  const mayPing = (place: Place, range: string) =>
    internet.run(place, 'sysctl', '-qw', `net.ipv4.ping_group_range=${range}`);

  beforeAll(async () => {
    internet = await openInternet();
    await mayPing('client', '0 0');
    internet.privateDns.names.set('web.corp.test', [addresses.server]);
    const resources = [
      await internet.resource('10.66.0.0/24'),
      await internet.resource('fd66::/64'),
      await internet.resource('web.corp.test'),
    ];
    const { key } = await internet.world.createService(
      'pings',
      resources.map(({ id }) => id),
    );
    await internet.world.startClient(key, {
      name: 'client',
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'on'],
    });
  }, 120_000);

  afterAll(() => internet?.stop());

  const targets = [addresses.server, addresses.server2, addresses.server6, 'web.corp.test'];

  const echoes = async (sockets: number, each: number, everyMs: number): Promise<unknown> => {
    const args = ['test/world/echoes.ts', `${sockets}`, `${each}`, `${everyMs}`, ...targets];
    const { stdout, stderr } = await internet.run('client', process.execPath, ...args);
    return stdout === '' ? stderr : JSON.parse(stdout);
  };
  const whole = (sent: number) => ({ sent, answered: sent, twice: 0, wrong: 0, errors: 0, unsent: 0 });

  const status = async (): Promise<Snapshot> => {
    const args = ['node-agents/sallyportd.ts', 'status', '--json', '--state-dir'];
    const stateDir = join(internet.world.stateDir, 'client');
    const { stdout } = await internet.run('client', process.execPath, ...args, stateDir);
    return JSON.parse(stdout);
  };

  test('the first echoes of an association, that come before it is open', async () => {
    for (let round = 0; round < 5; round++) expect(await echoes(4, 5, 0)).toEqual(whole(20));
  }, 60_000);

  test('two hundred sockets at once', async () => {
    expect(await echoes(200, 20, 20)).toEqual(whole(4_000));
    const { tun, refusals } = await status();
    expect(tun!.udp).toMatchObject({ datagrams_up: 4_100, datagrams_down: 4_100, datagrams_dropped: 0 });
    expect(refusals).toEqual([]);
  }, 60_000);

  test('beside a transfer that takes all there is', async () => {
    const server = spawn('ip', ['netns', 'exec', internet.net.name('private'), 'iperf3', '-s', '-1']);
    await expect
      .poll(async () => (await internet.run('private', 'ss', '-ltn')).stdout, { timeout: 10_000 })
      .toContain(':5201');
    const bulk = internet.run('client', 'iperf3', '-c', addresses.server, '-P', '4', '-t', '5', '-J');
    expect(await echoes(40, 40, 100)).toEqual(whole(1_600));
    expect((await bulk).code).toBe(0);
    server.kill();
  }, 60_000);

  test('where the Connector may not ping, programs hear of it and status tells the remedy', async () => {
    await mayPing('connector', '1 0');
    const { stdout, code } = await internet.run('client', 'ping', '-c', '1', '-W', '5', '10.66.0.99');
    expect([code, stdout]).toEqual([1, expect.stringContaining('Packet filtered')]);
    expect((await status()).refusals[0]).toMatchObject({ code: 'icmp_unavailable', host: '10.66.0.99' });
    await mayPing('connector', '0 0');
  }, 60_000);
});
