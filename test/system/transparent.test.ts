/**
 * The Client among namespaces: what a program on its host reaches, by which way, and what it is told when it
 * does not get there.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo, type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import type { ServiceKey } from '../world/world.ts';

const why = Namespaces.unavailable;

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let service: { id: string; key: ServiceKey };

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
    let tun: AgentProcess;
    beforeAll(async () => {
      tun = await client(['--tun', 'on']);
    }, 60_000);
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

    test('killed, it leaves protected addresses closed and the rest alone; the next start takes over', async () => {
      await tun.kill();
      expect(await errnoOf(addresses.server, 80)).toBe('EHOSTUNREACH');
      expect((await curl('http://public.example/')).stdout).toMatch(/^public /);
      const before = await client(['--tun', 'on']);
      expect((await curl('http://web.corp.test/')).stdout).toMatch(/^private /);
      await before.stop();
      expect(internet.net.ip('client', 'rule')).not.toMatch(/70(57|53)/);
      expect(internet.net.ip('client', '-6 rule')).not.toMatch(/70(57|53)/);
      expect(internet.net.ip('client', 'link')).not.toContain('sallyport0');
      tun = await client(['--tun', 'on']);
    }, 60_000);
  });

  const dig = async (...args: string[]): Promise<string[]> =>
    (await internet.run('client', 'dig', '+short', '+tries=1', ...args)).stdout.split('\n').filter(Boolean);

  /** What connect(2) says there; '' when it connects. */
  const errnoOf = async (host: string, port: number): Promise<string> => {
    const program = `require('net').connect(${port}, '${host}').on('error', (e) => console.log(e.code ?? e.errors?.[0]?.code)).on('connect', function () { this.destroy() })`;
    return (await internet.run('client', process.execPath, '-e', program)).stdout.trim();
  };
});
