/**
 * The Client among namespaces: what a program on its host reaches, by which way, and what it is told when it
 * does not get there.
 */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo, type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces, type Place } from '../world/namespaces.ts';
import { PrivateDns } from '../world/private-dns.ts';
import type { AgentProcess } from '../world/process.ts';
import type { ServiceKey } from '../world/world.ts';
import { startPostgres } from './origin/postgres.ts';

const why = Namespaces.unavailable;

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let service: { id: string; key: ServiceKey };
  let tun: AgentProcess;

  beforeAll(async () => {
    internet = await openInternet();
    await internet.page('private', addresses.server, 80, 'private');
    await internet.page('private', addresses.server6, 80, 'private6');
    await internet.page('core', addresses.core, 80, 'public');
    internet.privateDns.names.set('web.corp.test', [addresses.server]);
    const resources = [
      await internet.resource('web.corp.test'),
      await internet.resource('10.66.0.0/24', { tcp: [{ from: 80, to: 82 }] }),
      await internet.resource('fd66::/64'),
      await internet.resource('db.corp.test'),
      await internet.resource('echo.corp.test'),
    ];
    service = await internet.world.createService(
      'programs',
      resources.map(({ id }) => id),
    );
  }, 120_000);

  afterAll(() => internet?.stop());

  const client = (args: string[] = []): Promise<AgentProcess & { proxy: string }> =>
    internet.world.startClient(service.key, {
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args,
    });
  const curl = (...args: string[]) => internet.run('client', 'curl', '-sS', '-m', '10', ...args);

  test('without a Client the private network is nowhere; its proxy reaches it, v4 and v6', async () => {
    expect((await curl('-m', '2', `http://${addresses.server}/`)).code).not.toBe(0);
    expect((await curl(`http://${addresses.core}/`)).stdout).toMatch(/^public /);
    const userspace = await client();
    const through = ['-x', `http://${userspace.proxy}`];
    expect((await curl(...through, 'http://web.corp.test/')).stdout).toMatch(/^private web\.corp\.test /);
    expect((await curl(...through, `http://[${addresses.server6}]/`)).stdout).toMatch(/^private6 /);
    await userspace.stop();
  });

  describe('--tun on', () => {
    beforeAll(async () => {
      tun = await client(['--tun', 'on']);
    }, 120_000);
    afterAll(() => tun?.stop());

    test('curl reaches names and addresses, v4 and v6, and everything else as before', async () => {
      expect((await curl('http://web.corp.test/')).stdout).toMatch(/^private web\.corp\.test /);
      expect((await curl('-6', 'http://web.corp.test/')).stdout).toMatch(/^private web\.corp\.test /);
      expect((await curl(`http://${addresses.server}/`)).stdout).toMatch(/^private /);
      expect((await curl(`http://[${addresses.server6}]/`)).stdout).toMatch(/^private6 /);
      expect((await curl(`http://${addresses.core}/`)).stdout).toMatch(/^public /);
      expect((await curl('http://public.example/')).stdout).toMatch(/^public public\.example /);
    });

    test('connect(2) fails as it would have there: refused, and denied', async () => {
      expect(await errnoOf(addresses.server, 81)).toBe('ECONNREFUSED');
      expect(await errnoOf(addresses.server6, 81)).toBe('ECONNREFUSED');
      expect(await errnoOf('web.corp.test', 81)).toBe('ECONNREFUSED');
      expect(await errnoOf(addresses.server, 90)).toBe('EHOSTUNREACH');
      expect(await errnoOf(addresses.server2, 22)).toBe('EHOSTUNREACH');
      expect(await errnoOf('100.96.3.3', 80)).toBe('EHOSTUNREACH');
    });

    test('dig: protected names are made here, other names come from the host’s resolver, by UDP and TCP', async () => {
      const [address] = await dig('web.corp.test');
      expect(address).toMatch(/^100\.(9[6-9]|10\d|11[01])\./);
      expect(await dig('+tcp', 'web.corp.test')).toEqual([address]);
      expect(await dig('-x', address!)).toEqual(['web.corp.test.']);
      expect(await dig('web.corp.test', 'AAAA')).toEqual([expect.stringMatching(/^fd53:616c:6c79:/)]);
      expect(await dig('public.example')).toEqual([addresses.core]);
      expect((await internet.run('client', 'dig', 'nothing.example')).stdout).toContain('status: NXDOMAIN');
    });

    test('a bulk transfer and a half-close arrive whole', async () => {
      const port = await internet.listen('private', echo(), addresses.server6);
      const script = `head -c 30000000 /dev/urandom > "$0"; nc -N ${addresses.server6} ${port} < "$0" | cmp - "$0"`;
      const file = join(internet.world.stateDir, 'bulk');
      expect(await internet.run('client', 'bash', '-c', script, file)).toMatchObject({ code: 0, stdout: '' });
    });

    test('ping and UDP get through, in both families', async () => {
      // It waits for its last answer no longer than the interval, or twice the slowest: a short one tests the machine.
      const ping = (target: string) =>
        internet.run('client', 'ping', '-c', '10', '-i', '1', '-W', '3', target);
      for (const { stdout } of await Promise.all(
        [addresses.server, 'web.corp.test', addresses.server6].map(ping),
      ))
        expect(stdout).toContain(' 0% packet loss');
      for (const [type, address] of [
        ['udp4', addresses.server],
        ['udp6', addresses.server6],
      ] as const) {
        const port = await internet.echoDatagrams('private', address);
        expect(await datagrams(type, address, port, 500)).toBe('500 back, 0 out of order');
      }
      expect(await datagrams('udp4', addresses.server, 9_999, 1)).toBe('ECONNREFUSED');
    });

    test('psql', async () => {
      const server = await internet.net.within('private', () =>
        startPostgres(addresses.server2, 5432, 'secret', '10.66.0.0/24'),
      );
      internet.privateDns.names.set('db.corp.test', [addresses.server2]);
      const url = 'postgresql://app:secret@db.corp.test/postgres';
      const asked = await internet.run('client', 'psql', url, '-Atc', 'select 6 * 7');
      expect(asked).toMatchObject({ code: 0, stdout: '42\n' });
      await server.stop();
    }, 60_000);

    test('iperf3, eight streams', async () => {
      const server = spawn('ip', ['netns', 'exec', internet.net.name('private'), 'iperf3', '-s', '-1']);
      await expect
        .poll(async () => (await internet.run('private', 'ss', '-ltn')).stdout, { timeout: 10_000 })
        .toContain(':5201');
      const args = ['-c', addresses.server6, '-P', '8', '-t', '2', '-J'];
      const { end } = JSON.parse((await internet.run('client', 'iperf3', ...args)).stdout);
      expect(end.sum_received.bits_per_second).toBeGreaterThan(50e6);
      server.kill();
    });

    test('a thousand flows at once', async () => {
      const port = await internet.listen('private', echo(), addresses.server6);
      const program = `
        const { connect } = require('node:net');
        let whole = 0, left = 1000;
        for (let i = 0; i < 1000; i++) {
          let got = '';
          const socket = connect({ host: '${addresses.server6}', port: ${port} }, () => socket.end('flow ' + i));
          socket.on('data', (data) => (got += data)).on('error', (error) => (got = error.code));
          socket.on('close', () => { if (got === 'flow ' + i) whole++; if (--left === 0) console.log(whole); });
        }`;
      expect((await internet.run('client', process.execPath, '-e', program)).stdout).toBe('1000\n');
    });

    test('a port scan is answered port by port, and nothing of it stays', async () => {
      const program = `
        const { connect } = require('node:net');
        const told = {};
        let left = 1000;
        const tell = (what) => { told[what] = (told[what] ?? 0) + 1; if (--left === 0) console.log(JSON.stringify(told)); };
        for (let port = 100; port < 1100; port++) {
          const socket = connect(port, '${addresses.server}', () => { tell('connected'); socket.destroy(); });
          socket.on('error', (error) => tell(error.code));
        }`;
      const scan = await internet.run('client', process.execPath, '-e', program);
      expect(JSON.parse(scan.stdout)).toEqual({ EHOSTUNREACH: 1000 });
      expect((await curl('http://web.corp.test/')).stdout).toMatch(/^private /);
      await expect
        .poll(async () => (await status()).tun, { timeout: 10_000 })
        .toMatchObject({ tcp: { held: 0 } });
    });

    test('a grant that is withdrawn ends name and address at once; a new one is there as fast', async () => {
      const extra = await internet.resource('extra.corp.test');
      const wide = await internet.resource('10.66.0.20');
      internet.privateDns.names.set('extra.corp.test', [addresses.server]);
      expect(await dig('extra.corp.test')).toEqual([]);
      const grants = [];
      for (const { id } of [extra, wide])
        grants.push(
          await internet.world.admin.post('/grants', { resource_id: id, service_account_id: service.id }),
        );
      await expect.poll(() => dig('extra.corp.test'), { timeout: 5_000 }).toHaveLength(1);
      await expect.poll(() => errnoOf(addresses.server2, 22), { timeout: 5_000 }).toBe('ECONNREFUSED');
      for (const { id } of grants) await internet.world.admin.delete(`/grants/${id}`);
      await expect.poll(() => dig('extra.corp.test'), { timeout: 5_000 }).toEqual([]);
      await expect.poll(() => errnoOf(addresses.server2, 22), { timeout: 5_000 }).toBe('EHOSTUNREACH');
    });

    test('an interface that somebody deletes comes back', async () => {
      internet.net.ip('client', 'link del sallyport0');
      await tun.line('tun_lost');
      await expect
        .poll(async () => (await curl('http://web.corp.test/')).stdout, { timeout: 15_000 })
        .toMatch(/^private /);
    }, 30_000);

    test('killed, it leaves protected addresses closed and the rest alone; the next start takes over', async () => {
      const address = await dig('web.corp.test');
      await tun.kill();
      expect(await errnoOf(addresses.server, 80)).toBe('EHOSTUNREACH');
      expect((await curl('http://public.example/')).stdout).toMatch(/^public /);
      const before = await client(['--tun', 'on']);
      expect((await curl('http://web.corp.test/')).stdout).toMatch(/^private /);
      expect(await dig('web.corp.test')).toEqual(address);
      await before.stop();
      expect(internet.net.ip('client', 'rule')).not.toMatch(/70(57|53)/);
      expect(internet.net.ip('client', '-6 rule')).not.toMatch(/70(57|53)/);
      expect(internet.net.ip('client', 'link')).not.toContain('sallyport0');
      tun = await client(['--tun', 'on']);
    }, 60_000);
  });

  test('a gateway serves the devices of its LAN, by name and address, and nobody else’s', async () => {
    await internet.run('client', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    const device = (...args: string[]) => internet.run('lan', 'curl', '-sS', '-m', '5', ...args);
    const lan = ['--gateway', '192.168.77.0/24', '--dns-listen', `${addresses.gateway}:53`];
    tun = await client(['--tun', 'on', ...lan]);
    expect((await device(`http://${addresses.server}/`)).stdout).toMatch(/^private /);
    expect((await device('http://web.corp.test/')).stdout).toMatch(/^private web\.corp\.test /);
    const asked = await internet.run('lan', 'dig', '+short', `@${addresses.gateway}`, 'web.corp.test');
    expect(asked.stdout).toMatch(/^100\./);
    const port = await internet.echoDatagrams('private', addresses.server2);
    internet.privateDns.names.set('echo.corp.test', [addresses.server2]);
    expect(await datagrams('udp4', 'echo.corp.test', port, 4, 'lan', 4_000)).toBe('4 back, 0 out of order');
    await expect
      .poll(async () => (await internet.world.admin.get('/events?limit=200')).items, { timeout: 10_000 })
      .toContainEqual(expect.objectContaining({ client_address: addresses.device, host: 'web.corp.test' }));
    await tun.stop();
    tun = await client(['--tun', 'on', '--gateway', '192.168.78.0/24']);
    expect((await device(`http://${addresses.server}/`)).code).toBe(7);
    await tun.stop();
  }, 60_000);

  test('where programs ask a resolver on loopback, resolv.conf has ours in front, also after DHCP, until the end', async () => {
    const file = `/etc/netns/${internet.net.name('client')}/resolv.conf`;
    const before = await readFile(file, 'utf8');
    const stub = await internet.net.within('client', () =>
      PrivateDns.start({ 'public.example': [addresses.core] }, 53, '127.0.0.77'),
    );
    await writeFile(file, 'nameserver 127.0.0.77\n');
    tun = await client(['--tun', 'on']);
    for (const _ of ['first', 'rewritten']) {
      await expect
        .poll(() => readFile(file, 'utf8'), { timeout: 5_000 })
        .toMatch(/nameserver 100\.96\.0\.1\b[\s\S]*127\.0\.0\.77/);
      expect((await curl('http://web.corp.test/')).stdout).toMatch(/^private /);
      expect((await curl('http://public.example/')).stdout).toMatch(/^public /);
      await writeFile(file, '# by DHCP\nnameserver 127.0.0.77\n');
    }
    await tun.stop();
    expect(await readFile(file, 'utf8')).toBe('# by DHCP\nnameserver 127.0.0.77\n');
    await writeFile(file, before);
    stub.stop();
  }, 60_000);

  test('--tun auto goes on without, and says why; --tun on ends with the reason', async () => {
    const unable = [...internet.net.prefix('client'), 'setpriv', '--bounding-set=-net_admin'];
    const args = ['--tun', 'auto'];
    const options = { proxyHost: '127.0.0.1', prefix: unable };
    const auto = await internet.world.startClient(service.key, { ...options, args });
    expect(await auto.line('tun_unavailable')).toMatchObject({
      reason: expect.stringContaining('CAP_NET_ADMIN'),
    });
    expect((await curl('-x', `http://${auto.proxy}`, 'http://web.corp.test/')).stdout).toMatch(/^private /);
    await auto.stop();
    const on = await internet.world.startClient(service.key, {
      ...options,
      args: ['--tun', 'on'],
      ready: false,
    });
    expect(await on.exited).not.toBe(0);
    expect(on.output()).toMatch(/sallyportd: CAP_NET_ADMIN is missing.*--tun off/);
  });

  /** Sends numbered datagrams, a few at a time. */
  const datagrams = async (
    type: 'udp4' | 'udp6',
    host: string,
    port: number,
    count: number,
    place: Place = 'client',
    length = 1_100,
  ): Promise<string> => {
    const program = `
      const socket = require('node:dgram').createSocket('${type}');
      let sent = 0, back = 0, late = 0, last = -1;
      const end = (text) => { console.log(text); socket.close(); process.exit(); };
      const send = () => { if (sent < ${count}) socket.send(String(sent++).padEnd(${length})); };
      socket.on('error', (error) => end(error.code));
      socket.on('message', (message) => {
        const number = parseInt(message, 10);
        if (number < last) late++;
        last = number;
        if (++back === ${count}) end(back + ' back, ' + late + ' out of order');
        send();
      });
      socket.connect(${port}, '${host}', () => { for (let i = 0; i < 8; i++) send(); });
      setTimeout(() => end(back + ' back'), 10_000);
    `;
    return (await internet.run(place, process.execPath, '-e', program)).stdout.trim();
  };

  const status = async () => {
    const args = [
      'node-agents/sallyportd.ts',
      'status',
      '--json',
      '--state-dir',
      join(internet.world.stateDir, tun.name),
    ];
    return JSON.parse((await internet.run('client', process.execPath, ...args)).stdout);
  };

  const dig = async (...args: string[]): Promise<string[]> =>
    (await internet.run('client', 'dig', '+short', '+tries=1', ...args)).stdout.split('\n').filter(Boolean);

  /** What connect(2) says there; '' when it connects. */
  const errnoOf = async (host: string, port: number): Promise<string> => {
    const program = `require('net').connect(${port}, '${host}').on('error', (e) => console.log(e.code ?? e.errors?.[0]?.code)).on('connect', function () { this.destroy() })`;
    return (await internet.run('client', process.execPath, '-e', program)).stdout.trim();
  };
});
