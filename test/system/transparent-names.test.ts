/**
 * Names on the Client's host with `--tun on`, asked by the programs that people have: which are ours, what
 * they are answered and for how long, and that all others are answered as if nobody stood in between.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../world/admin.ts';
import { type Internet, openInternet } from '../world/internet.ts';
import { mirrored, startMirrorDns, transferred } from '../world/mirror-dns.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import { askOddly, oddQuestions } from './names/odd-questions.ts';
import { textOf, zone } from './names/zone.ts';

const why = Namespaces.unavailable;
const { server, server2 } = addresses;
/** Of a second public resolver. */
const mirror = '198.51.100.2';
const mirror6 = '2001:db8::53';
const synthetic4 = /^100\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/;
const synthetic6 = /^fd53:616c:6c79:/;

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let service: Awaited<ReturnType<Internet['world']['createService']>>;
  let client: AgentProcess & { proxy: string };
  let socks: string;
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    internet = await openInternet();
    const { net, privateDns, publicDns, world } = internet;
    net.ip('core', `addr add ${mirror}/32 dev lo`);
    net.ip('core', `-6 addr add ${mirror6}/128 dev lo nodad`);
    net.ip('core', '-6 addr add 2001:db8:1::1/64 dev client nodad');
    net.ip('client', '-6 addr add 2001:db8:1::2/64 dev core nodad');
    net.ip('client', '-6 route add default via 2001:db8:1::1');
    for (const address of [mirror, mirror6]) cleanups.push(await startMirrorDns(address));
    await internet.page('private', server, 80, 'private');
    await internet.page('private', server2, 80, 'second');
    await internet.page('core', addresses.core, 80, 'public');
    const names = { 'one.apps.test': server, 'a.b.apps.test': server, 'db-1.corp.test': server2 };
    for (const [name, address] of Object.entries(names)) privateDns.names.set(name, [address]);
    privateDns.names.set('web.corp.test', [server]);
    for (const [name, records] of zone) privateDns.records.set(name, records);
    publicDns.names.set('printer.second.test', [addresses.core]);
    publicDns.names.set('apps.test', [addresses.core]);
    publicDns.names.set('db-12.corp.test', [addresses.core]);
    const resources = [
      await internet.resource('*.apps.test'),
      await internet.resource('db-?.corp.test'),
      await internet.resource('web.corp.test', { alias: 'www.alias.test' }),
      await internet.resource(server2, { alias: 'second.alias.test' }),
      await internet.resource('10.66.0.0/24'),
    ];
    service = await world.createService(
      'names',
      resources.map(({ id }) => id),
    );
    await start();
    expect(await short('late.apps.test')).toEqual([]);
    privateDns.names.set('late.apps.test', [server]);
  }, 120_000);

  afterAll(async () => {
    await client?.stop();
    for (const cleanup of cleanups.splice(0)) await cleanup();
    await internet?.stop();
  });

  const start = async () => {
    socks = `127.0.0.1:${await internet.world.port()}`;
    client = await internet.world.startClient(service.key, {
      name: 'client',
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'on', '--socks5', socks],
    });
  };
  const run = (...command: string[]) => internet.run('client', command[0]!, ...command.slice(1));
  const curl = (...args: string[]) => run('curl', '-sS', '-m', '10', ...args);
  const dig = async (...args: string[]) => (await run('dig', '+tries=1', ...args)).stdout;
  const short = async (...args: string[]) => (await dig('+short', ...args)).split('\n').filter(Boolean);

  test('a wildcard is every name that it matches, and no other', async () => {
    expect((await curl('http://one.apps.test/')).stdout).toMatch(/^private one\.apps\.test /);
    expect((await curl('http://a.b.apps.test/')).stdout).toMatch(/^private a\.b\.apps\.test /);
    expect((await curl('-6', 'http://ONE.apps.test/')).stdout).toMatch(/^private /);
    expect((await curl('http://db-1.corp.test/')).stdout).toMatch(/^second db-1\.corp\.test /);
    expect(await short('apps.test')).toEqual([addresses.core]);
    expect(await short('db-12.corp.test')).toEqual([addresses.core]);
    expect((await curl('http://apps.test/')).stdout).toMatch(/^public apps\.test /);
  });

  test('an alias is a second name of its Resource, for connections and for records', async () => {
    expect((await curl('http://www.alias.test/')).stdout).toMatch(/^private www\.alias\.test /);
    expect((await curl('http://second.alias.test/')).stdout).toMatch(/^second second\.alias\.test /);
    expect(await short('www.alias.test', 'MX')).toEqual(['5 mail.corp.test.']);
    expect(await dig('second.alias.test', 'MX')).toMatch(/status: NOERROR[\s\S]*ANSWER: 0/);
    expect(internet.privateDns.asked.filter((one) => one.includes('alias'))).toEqual([]);
  });

  test('a name below a wildcard that is nowhere does not exist, so that the next of a search list is found', async () => {
    expect(await dig('nowhere.apps.test')).toMatch(/status: NXDOMAIN[\s\S]*AUTHORITY: 1/);
    expect(await dig('nowhere.apps.test', 'AAAA')).toContain('status: NXDOMAIN');
    expect(await dig('nowhere.apps.test', 'MX')).toContain('status: NXDOMAIN');
    expect((await run('getent', 'hosts', 'nowhere.apps.test')).code).toBe(2);
    expect(await curl('http://nowhere.apps.test/')).toMatchObject({ code: 6 });
    // A name that has only others below it, or only a mail server, has no address here either; IPv6 alone is one.
    internet.privateDns.records.set('mail.apps.test', [
      { name: 'mail.apps.test', type: 'MX', data: { preference: 1, exchange: 'web.corp.test' } },
    ]);
    internet.privateDns.names.set('six.apps.test', [addresses.server6]);
    for (const type of ['A', 'AAAA'])
      expect(await dig('mail.apps.test', type)).toMatch(/status: NOERROR[\s\S]*ANSWER: 0, AUTHORITY: 1/);
    expect(await short('mail.apps.test', 'MX')).toEqual(['1 web.corp.test.']);
    expect(await short('six.apps.test', 'A')).toEqual([expect.stringMatching(/^100\./)]);
    const file = `/etc/netns/${internet.net.name('client')}/resolv.conf`;
    const before = await readFile(file, 'utf8');
    await writeFile(file, `${before}search apps.test second.test\noptions ndots:3\n`);
    expect((await curl('http://printer/')).stdout).toMatch(/^public printer /);
    expect((await curl('http://public.example/')).stdout).toMatch(/^public public\.example /);
    expect((await curl('http://one/')).stdout).toMatch(/^private one /);
    await writeFile(file, before);
  });

  test('SRV, TXT, MX, PTR, HTTPS, SVCB and CNAME come out of the private network', async () => {
    expect(await short('_web._tcp.web.corp.test', 'SRV')).toEqual(['1 2 80 web.corp.test.']);
    expect(await short('web.corp.test', 'TXT')).toEqual(['"hello" "world"']);
    expect(await short('one.apps.test', 'MX')).toEqual(['10 web.corp.test.']);
    expect(await short('-x', server)).toEqual(['host-10.corp.test.']);
    // The hints would lead past the tunnel.
    expect(await short('web.corp.test', 'HTTPS')).toEqual(['1 . alpn="h2"']);
    expect(await short('_dns.web.corp.test', 'SVCB')).toEqual(['1 web.corp.test. port=853']);
    expect(await short('other.apps.test', 'CNAME')).toEqual(['one.apps.test.']);
    expect(await dig('web.corp.test', 'CAA')).toMatch(/status: NOERROR[\s\S]*ANSWER: 0, AUTHORITY: 1/);
    expect(await dig('web.corp.test', 'AXFR')).toMatch(/Transfer failed|status: NOTIMP/);
    expect(internet.publicDns.asked.filter((one) => /web\.corp|in-addr/.test(one))).toEqual([]);
  });

  test.each([
    [700, 7],
    [2_000, 20],
    [6_000, 60],
  ])('%i bytes of records are cut short in a datagram that is too short, whole by TCP', async (_, count) => {
    const name = `t${count}.apps.test`;
    const whole = [
      textOf(count)
        .map((one) => `"${one}"`)
        .join(' '),
    ];
    for (const size of ['+noedns', '+bufsize=600']) {
      const datagram = await dig('+ignore', size, name, 'TXT');
      expect(datagram).toMatch(/flags: qr tc rd ra/);
      expect(datagram).toContain('ANSWER: 0');
    }
    expect(await short('+noedns', name, 'TXT')).toEqual(whole);
    expect(await short('+tcp', name, 'TXT')).toEqual(whole);
    // No datagram is longer than fits every path, whatever the program would take.
    for (const size of ['+bufsize=1232', '+bufsize=4096'])
      expect(/flags: qr tc/.test(await dig('+ignore', size, name, 'TXT'))).toBe(count > 7);
  });

  test('what is made here lives for seconds; what the private network says, for no more than a minute', async () => {
    const ttl = async (...args: string[]) =>
      Number(/\s(\d+)\s+IN\s/.exec(await dig('+noall', '+answer', ...args))?.[1]);
    expect(await ttl('one.apps.test')).toBe(10);
    expect(await ttl('one.apps.test', 'AAAA')).toBe(10);
    expect(await ttl('web.corp.test', 'MX')).toBe(60);
    expect(await dig('nowhere.apps.test')).toMatch(/\s5\s+IN\s+SOA/);
  });

  test('programs by way of the C library find names, addresses, and names of addresses', async () => {
    const { stdout } = await run('getent', 'ahosts', 'one.apps.test');
    const found = new Set(stdout.split('\n').flatMap((line) => line.split(/\s+/)[0] || []));
    expect([...found].sort()).toEqual([expect.stringMatching(synthetic4), expect.stringMatching(synthetic6)]);
    for (const address of found)
      expect((await run('getent', 'hosts', address)).stdout).toMatch(/\sone\.apps\.test$/m);
    expect((await run('getent', 'hosts', 'public.example')).stdout).toContain(addresses.core);
    expect((await run('getent', 'hosts', server)).stdout).toContain('host-10.corp.test');
  });

  test('a resolver that is asked over IPv6 makes no difference', async () => {
    for (const over of ['+notcp', '+tcp']) {
      expect(await short(`@${mirror6}`, over, 'one.apps.test')).toEqual(await short('one.apps.test'));
      expect(await short(`@${mirror6}`, over, 'one.apps.test', 'MX')).toEqual(['10 web.corp.test.']);
    }
  });

  test('a synthetic address that no name has is nobody’s, and is not asked about elsewhere', async () => {
    expect(await dig('-x', '100.97.98.99')).toContain('status: NXDOMAIN');
    expect(internet.publicDns.asked.filter((one) => one.includes('99.98.97.100'))).toEqual([]);
  });

  test('a name that is withdrawn is gone at once, with all that was known of it', async () => {
    const resources = [
      await internet.resource('*.extra.test'),
      await internet.resource('own.extra2.test', { alias: 'other.extra2.test' }),
    ];
    for (const name of ['x.extra.test', 'own.extra2.test']) {
      internet.privateDns.names.set(name, [server]);
      internet.privateDns.records.set(name, [{ name, type: 'TXT', ttl: 60, data: 'text' }]);
    }
    const grants: Answer[] = [];
    for (const { id } of resources)
      grants.push(
        await internet.world.admin.post('/grants', { resource_id: id, service_account_id: service.id }),
      );
    const names = ['x.extra.test', 'own.extra2.test', 'other.extra2.test'];
    const held: string[] = [];
    for (const name of names) {
      await expect.poll(() => short(name), { timeout: 5_000 }).toHaveLength(1);
      held.push(...(await short(name)));
      expect(await short(name, 'TXT')).toEqual(['"text"']);
    }
    for (const { id } of grants) await internet.world.admin.delete(`/grants/${id}`);
    for (const [i, name] of names.entries()) {
      await expect.poll(() => short(name), { timeout: 5_000 }).toEqual([]);
      expect(await short(name, 'TXT')).toEqual([]);
      expect(await dig('-x', held[i]!)).toContain('status: NXDOMAIN');
      expect((await curl(`http://${held[i]}/`)).code).toBe(7);
    }
  });

  describe('other names', () => {
    test('are answered byte for byte as by the server itself, whatever the question carries', async () => {
      for (const server of [mirror, mirror6])
        for (const over of ['udp', 'tcp'] as const) {
          const program = askOddly(server, over);
          const answers = JSON.parse((await run(process.execPath, '-e', program)).stdout);
          for (const [name, question] of Object.entries(oddQuestions))
            expect([name, answers[name]]).toEqual([name, mirrored(question).toString('hex')]);
        }
    });

    test('dig sees no difference, flags and EDNS options included', async () => {
      const seen = async (at: string) =>
        (await dig(`@${mirror}`, ...at.split(' '))).replace(/;; (Query time|WHEN).*/g, '');
      await client.stop();
      const questions = [
        'plain.example +qid=7 +nocookie',
        'plain.example MX +qid=7 +cookie=0102030405060708 +subnet=192.0.2.0/24 +nsid +dnssec',
        'plain.example +qid=7 +bufsize=4096 +nocookie +cdflag +adflag +tcp +keepalive',
        'VeRsIoN.bind +qid=7 CH TXT +norecurse +nocookie',
      ];
      const before: string[] = [];
      for (const one of questions) before.push(await seen(one));
      await start();
      for (const [i, one] of questions.entries()) expect(await seen(one)).toBe(before[i]);
    });

    test('a zone is transferred whole', async () => {
      expect(await short(`@${mirror}`, 'zone.example', 'AXFR')).toHaveLength(transferred);
    });
  });

  test('a thousand look-ups at once are all answered, of names that were never asked for too', async () => {
    for (let i = 0; i < 500; i++) internet.privateDns.names.set(`n${i}.apps.test`, [server]);
    internet.publicDns.names.set('many.example', [addresses.core]);
    const program = `
      const { Resolver } = require('node:dns').promises;
      const resolver = new Resolver({ timeout: 10_000, tries: 2 });
      const names = Array.from({ length: 500 }, (_, i) => ['n' + i + '.apps.test', 'many.example']).flat();
      Promise.all(names.map((name) => resolver.resolve4(name).catch((error) => [error.code]))).then((all) => {
        const ours = all.filter((_, i) => i % 2 === 0).flat();
        console.log(JSON.stringify([new Set(ours).size, ours.filter((one) => !one.startsWith('100.')), [...new Set(all.filter((_, i) => i % 2).flat())]]));
      });`;
    const { stdout } = await run(process.execPath, '-e', program);
    expect(JSON.parse(stdout)).toEqual([500, [], [addresses.core]]);
  });

  test('a name that came into being after it was asked for is found', async () => {
    await expect.poll(() => short('late.apps.test'), { timeout: 15_000 }).toHaveLength(1);
  });

  test.each(['stop', 'kill'] as const)(
    'after a %s the next Client knows the addresses that programs hold',
    async (how) => {
      const name = how === 'stop' ? 'held-1.apps.test' : 'held-2.apps.test';
      internet.privateDns.names.set(name, [server]);
      const [address] = await short(name);
      const file = join(internet.world.stateDir, 'client', 'names.json');
      if (how === 'kill')
        await expect.poll(() => readFile(file, 'utf8').catch(() => ''), { timeout: 10_000 }).toContain(name);
      await client[how]();
      await start();
      expect((await curl('-H', 'Host: asked', `http://${address}/`)).stdout).toMatch(/^private asked /);
      expect(await short(name)).toEqual([address]);
      expect(await short('-x', address!)).toEqual([`${name}.`]);
    },
  );

  describe('beside transparent mode', () => {
    test('HTTP proxy and SOCKS 5 reach names, aliases, addresses, and what a program has looked up', async () => {
      const proxies = [
        ['-x', `http://${client.proxy}`],
        ['--proxytunnel', '-x', `http://${client.proxy}`],
        ['--socks5-hostname', socks],
      ];
      for (const proxy of proxies) {
        for (const host of ['one.apps.test', 'www.alias.test', server])
          expect((await curl(...proxy, `http://${host}/`)).stdout).toMatch(/^private /);
        expect((await curl(...proxy, 'http://public.example/')).stdout).toMatch(/^public /);
        const [address] = await short('one.apps.test');
        expect((await curl(...proxy, `http://${address}/`)).stdout).toMatch(/^private /);
      }
      expect((await curl('--socks5', socks, 'http://one.apps.test/')).stdout).toMatch(/^private /);
      expect((await curl('http://one.apps.test/')).stdout).toMatch(/^private /);
    });
  });

  test('without a device, wildcards and aliases are reached through HTTP proxy and SOCKS 5 with names', async () => {
    const port = await internet.world.port();
    const userspace = await internet.world.startClient(service.key, {
      proxyHost: '127.0.0.2',
      prefix: internet.net.prefix('client'),
      args: ['--socks5', `127.0.0.2:${port}`],
    });
    await client.stop();
    for (const proxy of [
      ['-x', `http://${userspace.proxy}`],
      ['--proxytunnel', '-x', `http://${userspace.proxy}`],
      ['--socks5-hostname', `127.0.0.2:${port}`],
    ]) {
      for (const host of ['one.apps.test', 'db-1.corp.test', 'www.alias.test', 'second.alias.test'])
        expect((await curl(...proxy, `http://${host}/`)).stdout).toMatch(
          new RegExp(`^(private|second) ${host} `),
        );
      expect((await curl(...proxy, 'http://public.example/')).stdout).toMatch(/^public /);
      expect((await curl(...proxy, '-f', 'http://nowhere.apps.test/')).code).not.toBe(0);
    }
    await userspace.stop();
  });
});
