/**
 * From a start to the first ACL: the network that the Client's host is in has servers at the very addresses and
 * names of its Resources, and not one byte may go there meanwhile, be the start one after a kill, a reboot or
 * an orderly end, and be the Controller there or not.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import type { ServiceKey } from '../world/world.ts';

const why = Namespaces.unavailable;
/** Of the lookalike's name. */
const elsewhere = '198.51.100.9';

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let service: { id: string; key: ServiceKey };
  let wide: string;
  let client: AgentProcess;

  beforeAll(async () => {
    internet = await openInternet();
    const { net } = internet;
    await internet.page('private', addresses.server, 80, 'private');
    await internet.page('private', addresses.server6, 80, 'private');
    internet.privateDns.names.set('web.corp.test', [addresses.server]);
    internet.privateDns.names.set('a.apps.test', [addresses.server]);
    // The lookalikes, one hop away by the default route.
    net.ip('client', '-6 addr add fd01::2/64 dev core nodad');
    net.ip('core', '-6 addr add fd01::1/64 dev client nodad');
    net.ip('client', '-6 route add default via fd01::1');
    for (const address of [addresses.server, addresses.server6, elsewhere]) {
      net.ip('core', `addr add ${address} dev lo`);
      await internet.page('core', address, 80, 'leaked');
    }
    for (const name of ['web.corp.test', 'a.apps.test']) internet.publicDns.names.set(name, [elsewhere]);
    wide = (await internet.resource('10.66.0.0/24')).id;
    const resources = [
      { id: wide },
      await internet.resource('fd66::/64'),
      await internet.resource('web.corp.test'),
      await internet.resource('*.apps.test'),
    ];
    service = await internet.world.createService(
      'restarted',
      resources.map(({ id }) => id),
    );
    await start();
  }, 120_000);

  afterAll(() => internet?.stop());

  /** Always with the same state directory. */
  const start = async (ready = true, args: string[] = []): Promise<void> => {
    client = await internet.world.startClient(service.key, {
      name: 'client',
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'on', ...args],
      ready,
    });
    await client.line('tun_ready');
  };

  const curl = async (url: string): Promise<string> => {
    const { code, stdout } = await internet.run('client', 'curl', '-sS', '-m', '3', url);
    return code === 0 ? stdout.split(' ')[0]! : `exit ${code}`;
  };
  const protectedUrls = [
    `http://${addresses.server}/`,
    `http://[${addresses.server6}]/`,
    'http://web.corp.test/',
    'http://a.apps.test/',
  ];
  const all = () => Promise.all(protectedUrls.map(curl));
  const each = (text: string) => protectedUrls.map(() => text);
  /** Unreachable addresses, and names that nobody could resolve. */
  const refused = ['exit 7', 'exit 7', 'exit 6', 'exit 6'];
  const dig = async (...args: string[]) => (await internet.run('client', 'dig', '+tries=1', ...args)).stdout;

  /** Nothing leaves, everything else goes on. */
  const expectClosed = async () => {
    expect(await all()).toEqual(each('exit 7'));
    const ping = await internet.run('client', 'ping', '-c', '1', '-W', '1', addresses.server);
    expect(ping.stdout).toContain(' 100% packet loss');
    expect(await dig('+short', 'web.corp.test')).toMatch(/^100\./);
    expect(await dig('web.corp.test', 'MX')).toContain('status: SERVFAIL');
    expect(await dig('+short', 'public.example')).toBe(`${addresses.core}\n`);
  };

  test('without the Client the lookalikes are what programs reach; with it they are not', async () => {
    expect(await all()).toEqual(each('private'));
    await client.stop();
    expect(await all()).toEqual(each('leaked'));
    await start();
    expect(await all()).toEqual(each('private'));
  }, 60_000);

  test('killed: no name of a Resource leaves the host, seen before or not, and every other one is resolved', async () => {
    const { asked, names } = internet.publicDns;
    names.set('never.asked.apps.test', [elsewhere]);
    names.set('apps.test', [elsewhere]);
    await client.kill();
    asked.length = 0;
    expect(await all()).toEqual(refused);
    expect(await curl('http://never.asked.apps.test/')).toBe('exit 6');
    for (const how of ['+notcp', '+tcp']) {
      for (const name of ['web.corp.test', 'WEB.corp.TEST', 'never.asked.apps.test'])
        expect(await dig(how, '+time=1', `@${addresses.core}`, name)).not.toContain('status:');
      expect(await dig(how, '+short', 'public.example')).toBe(`${addresses.core}\n`);
      expect(await dig(how, '+short', 'apps.test')).toBe(`${elsewhere}\n`);
    }
    expect(asked.filter((one) => /web\.corp|\.apps\.test/i.test(one))).toEqual([]);
    await start();
    expect(await all()).toEqual(each('private'));
    await client.stop();
    expect((await internet.run('client', 'nft', 'list', 'ruleset')).stdout).toBe('');
    await start();
  }, 60_000);

  test('our address in resolv.conf: nobody behind it is asked for names of ours, be we silent or gone', async () => {
    const { asked } = internet.publicDns;
    const ours = () => asked.filter((one) => /web\.corp|\.apps\.test/i.test(one));
    await client.stop();
    await start(true, ['--dns', 'resolvconf']);
    expect(await all()).toEqual(each('private'));
    await internet.connector.kill();
    asked.length = 0;
    // Whether it exists nobody can say; the C library then asks the next resolver.
    expect(await curl('http://unseen.apps.test/')).toMatch(/^exit (6|28)$/);
    expect(await curl('http://public.example/')).not.toBe('exit 6');
    expect([ours(), asked.length > 0]).toEqual([[], true]);
    const options = { prefix: internet.net.prefix('connector') };
    const settings = { SALLYPORT_DNS: internet.privateDns.address };
    internet.connector = await internet.world.startConnector(
      internet.network,
      'connector-1',
      settings,
      options,
    );
    await expect.poll(all, { timeout: 20_000 }).toEqual(each('private'));
    asked.length = 0;
    await client.kill();
    expect(await all()).toEqual(refused);
    // Ours is not reached, so the next is asked.
    expect(await dig('+short', 'public.example')).toContain(`\n${addresses.core}\n`);
    expect(ours()).toEqual([]);
    await start();
    expect(await all()).toEqual(each('private'));
  }, 90_000);

  test('what others take away is set again, and told: rules, routes, addresses, tables of nftables', async () => {
    const { net } = internet;
    const told = (event: string) => client.lines.filter((line) => line.event === event).length;
    const broken: [string, [string, ...string[]], string][] = [
      ['routes_repaired', ['ip', 'rule', 'flush'], `http://${addresses.server}/`],
      ['routes_repaired', ['ip', '-6', 'rule', 'flush'], `http://[${addresses.server6}]/`],
      ['routes_repaired', ['ip', 'route', 'flush', 'table', '7057'], `http://${addresses.server}/`],
      ['routes_repaired', ['ip', 'addr', 'flush', 'dev', 'sallyport0'], 'http://web.corp.test/'],
      ['routes_repaired', ['ip', 'link', 'set', 'sallyport0', 'down'], `http://[${addresses.server6}]/`],
      ['names_closed_again', ['nft', 'flush', 'ruleset'], 'http://a.apps.test/'],
    ];
    for (const [event, command, url] of broken) {
      const before = told(event);
      expect((await internet.run('client', ...command)).code).toBe(0);
      if (command.includes('rule') && command.includes('flush')) {
        // What the host had itself is not ours to bring back.
        const family = command.includes('-6') ? '-6 ' : '';
        net.ip('client', `${family}rule add pref 32766 lookup main`);
        if (family === '') net.ip('client', 'rule add pref 32767 lookup default');
      }
      await expect.poll(() => told(event), { timeout: 10_000 }).toBeGreaterThan(before);
      await expect.poll(() => curl(url), { timeout: 10_000 }).toBe('private');
    }
    expect(await all()).toEqual(each('private'));
  }, 90_000);

  test('killed, and started again without a Controller: closed until the Controller is back', async () => {
    await client.kill();
    expect(await all()).toEqual(refused);
    await internet.world.killController();
    await start(false);
    await client.line('waiting_for_controller');
    await expectClosed();
    await internet.world.startController();
    await expect.poll(all, { timeout: 60_000 }).toEqual(each('private'));
  }, 120_000);

  test('ended in order, or the host rebooted, and started without a Controller: the same', async () => {
    await client.stop();
    expect(internet.net.ip('client', 'route show table all')).not.toContain('unreachable 10.66');
    await internet.world.killController();
    await start(false);
    await client.line('waiting_for_controller');
    await expectClosed();
    await internet.world.startController();
    await expect.poll(all, { timeout: 60_000 }).toEqual(each('private'));
  }, 120_000);

  test('a start that fails leaves closed what a kill left closed', async () => {
    await client.kill();
    const stub = await internet.net.within('client', async () => {
      const socket = createSocket('udp4').bind(53, '127.0.0.88');
      await once(socket, 'listening');
      return socket;
    });
    const args = ['--dns-listen', '127.0.0.88:53'];
    await expect(start(false, args)).rejects.toThrow(/ended/);
    expect(await all()).toEqual(refused);
    stub.close();
    await start();
    expect(await all()).toEqual(each('private'));
  }, 60_000);

  test('an interface that is deleted leaves no moment in which a route is open', async () => {
    const monitor = spawn('ip', ['netns', 'exec', internet.net.name('client'), 'ip', 'monitor', 'route']);
    let seen = '';
    monitor.stdout.setEncoding('utf8').on('data', (text) => {
      seen += text;
    });
    // Until it is seen that the monitor listens. A route that is there already would be told to nobody.
    const mark = (route: string) => {
      internet.net.ip('client', `route add ${route} dev lo`);
      internet.net.ip('client', `route del ${route} dev lo`);
      return seen;
    };
    await expect.poll(() => mark('192.0.2.0/25'), { timeout: 20_000 }).toContain('Deleted 192.0.2.0/25');
    internet.net.ip('client', 'link del sallyport0');
    await client.line('tun_lost');
    await expect.poll(all, { timeout: 15_000 }).toEqual(each('private'));
    mark('192.0.2.128/25');
    await expect.poll(() => seen, { timeout: 20_000 }).toContain('Deleted 192.0.2.128/25');
    monitor.kill();
    expect(seen).toContain('dev sallyport0');
    expect(seen.split('\n').filter((line) => /Deleted unreachable/.test(line))).toEqual([]);
  }, 60_000);

  test('what was withdrawn meanwhile is open again once the first ACL says so', async () => {
    await client.stop();
    const grants = (await internet.world.admin.get('/grants?limit=100')).items as {
      id: string;
      resource_id: string;
    }[];
    await internet.world.admin.delete(`/grants/${grants.find((one) => one.resource_id === wide)!.id}`);
    await start();
    expect(await curl(`http://${addresses.server}/`)).toBe('leaked');
    expect(await curl(`http://[${addresses.server6}]/`)).toBe('private');
  }, 60_000);

  test('killed, and started without transparent mode: nothing is closed any more', async () => {
    await client.kill();
    client = await internet.world.startClient(service.key, {
      name: 'client',
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'off'],
    });
    expect(await client.line('left_behind_removed')).toMatchObject({ removed: ['routes', 'closed names'] });
    expect(await all()).toEqual(each('leaked'));
    expect((await internet.run('client', 'nft', 'list', 'ruleset')).stdout).toBe('');
    expect(internet.net.ip('client', 'rule')).not.toContain('7057');
  }, 60_000);
});
