/**
 * Transparent mode on hosts as they are: with a firewall that drops what is new, strict about where packets
 * come from, in front of containers, without IPv6, behind a narrow path, and as the gateway of a LAN.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Firewall } from '../world/firewall.ts';
import { echo, type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces, type Place } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import { converse, datagramsAt, errnoAt } from '../world/program.ts';
import type { ServiceKey } from '../world/world.ts';

const { server, server2, server6, core, gateway, gateway6, device, device6 } = addresses;

describe.skipIf(Namespaces.unavailable !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let key: ServiceKey;
  let firewall: Firewall;
  let tun: AgentProcess | undefined;
  let port: number;
  let port6: number;
  let udpPort: number;
  let udpPort6: number;

  beforeAll(async () => {
    internet = await openInternet();
    firewall = new Firewall(internet.net, 'client');
    port = await internet.listen('private', echo(), server);
    port6 = await internet.listen('private', echo(), server6);
    udpPort = await internet.echoDatagrams('private', server);
    udpPort6 = await internet.echoDatagrams('private', server6);
    await internet.page('private', server, 80, 'private');
    internet.privateDns.names.set('web.corp.test', [server]);
    const resources = [
      await internet.resource('web.corp.test'),
      await internet.resource('10.66.0.10'),
      await internet.resource('10.66.0.20', { tcp: [{ from: 80, to: 80 }] }),
      await internet.resource('fd66::/64'),
    ];
    ({ key } = await internet.world.createService(
      'programs',
      resources.map(({ id }) => id),
    ));
  }, 120_000);

  /** Makes the host again what it was. */
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    await tun?.stop();
    tun = undefined;
    firewall?.clear();
    for (const one of undo.splice(0).reverse()) await one();
  });
  afterAll(() => internet?.stop());

  const start = async (...args: string[]): Promise<AgentProcess> => {
    tun = await internet.world.startClient(key, {
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args: ['--tun', 'on', ...args],
      ready: false,
    });
    await tun.line('client_ready');
    return tun;
  };
  const client = (command: string, ...args: string[]) => internet.run('client', command, ...args);
  const sysctl = async (...settings: string[]) =>
    expect(await client('sysctl', '-qw', ...settings)).toMatchObject({ code: 0 });
  const ip = (...commands: string[]) => {
    for (const command of commands) internet.net.ip('client', command);
  };
  const errno = (place: Place, host: string, to: number) => errnoAt(internet.net, place, host, to);
  const dig = async (place: Place, ...args: string[]) =>
    (await internet.run(place, 'dig', '+short', '+tries=1', ...args)).stdout.trim();

  /** All that a program does, by address; each family told apart by what fails. */
  const reaches = async (place: Place, families: readonly (4 | 6)[] = [4, 6]) => {
    const done: Record<string, unknown> = {};
    for (const family of families) {
      const [host, to, udp] = family === 4 ? [server, port, udpPort] : [server6, port6, udpPort6];
      const datagrams = await datagramsAt(internet.net, place, host, udp, 1_400);
      const ping = await internet.run(place, 'ping', '-c', '1', '-w', '5', host);
      done[family] = [
        await errno(place, host, to),
        await errno(place, host, 9),
        await datagrams.ask(5_000),
        ping.code,
      ];
      datagrams.close();
    }
    return done;
  };
  const allOf = { 4: ['', 'ECONNREFUSED', true, 0], 6: ['', 'ECONNREFUSED', true, 0] };

  /** A few megabytes there and back. */
  const bulk = async (place: Place, host: string, to: number) => {
    const script = `head -c 3000000 /dev/urandom > "$0"; nc -N ${host} ${to} < "$0" | cmp - "$0"; rm "$0"`;
    return internet.run(place, 'bash', '-c', script, `${internet.world.stateDir}/bulk`);
  };
  const whole = { code: 0, stdout: '', stderr: '' };

  test('a firewall that accepts what came by lo and what is known, and drops the rest', async () => {
    firewall.set(`chain input { type filter hook input priority 0; policy drop;
      iifname "lo" accept
      ct state established,related accept
    }`);
    await start();
    expect(await reaches('client')).toEqual(allOf);
    expect(await errno('client', server2, 81)).toBe('EHOSTUNREACH');
    expect(await dig('client', 'web.corp.test')).toMatch(/^100\./);
    expect(await dig('client', '+tcp', 'web.corp.test')).toMatch(/^100\./);
    expect(await dig('client', 'public.example')).toBe(core);
    expect((await client('curl', '-sS', '-m', '5', 'http://web.corp.test/')).stdout).toMatch(/^private /);
    expect(await bulk('client', server, port)).toEqual(whole);
  });

  describe('strict reverse-path filters', () => {
    const strict = ['all', 'default', 'core', 'lan'].map((name) => `net.ipv4.conf.${name}.rp_filter`);
    beforeAll(() => sysctl(...strict.map((name) => `${name}=1`), 'net.ipv4.ip_forward=1'));
    afterAll(() => internet && sysctl(...strict.map((name) => `${name}=0`)));

    test('of this host let answers through, its resolver’s and ours', async () => {
      await start();
      expect(await reaches('client')).toEqual(allOf);
      for (const args of [[], ['+tcp']]) {
        expect(await dig('client', ...args, 'public.example')).toBe(core);
        expect(await dig('client', ...args, 'web.corp.test')).toMatch(/^100\./);
      }
    });

    test('of a gateway too, which says that devices have to ask itself', async () => {
      await start('--gateway', '192.168.77.0/24', '--dns-listen', `${gateway}:53`);
      await tun!.line('gateway_dns_not_taken');
      expect(await reaches('lan', [4])).toEqual({ 4: allOf[4] });
      for (const [place, at] of [
        ['lan', `@${gateway}`],
        ['client', `@${core}`],
      ] as const) {
        expect(await dig(place, at, 'public.example')).toBe(core);
        expect(await dig(place, at, 'web.corp.test')).toMatch(/^100\./);
      }
    });
  });

  test('a host that has no IPv6', async () => {
    const disable = (value: number) =>
      sysctl(`net.ipv6.conf.all.disable_ipv6=${value}`, `net.ipv6.conf.default.disable_ipv6=${value}`);
    await disable(1);
    undo.push(
      () => ip(`-6 addr add ${gateway6}/64 dev lan nodad`),
      () => disable(0),
    );
    await start();
    expect(await reaches('client', [4])).toEqual({ 4: allOf[4] });
    expect(await dig('client', 'web.corp.test')).toMatch(/^100\./);
    expect(await dig('client', 'web.corp.test', 'AAAA')).toBe('');
    expect((await client('curl', '-sS', '-m', '5', 'http://web.corp.test/')).stdout).toMatch(/^private /);
  });

  test('a path of 1,280 bytes to the relay', async () => {
    const narrow = (mtu: number) => {
      ip(`link set core mtu ${mtu}`);
      internet.net.ip('core', `link set client mtu ${mtu}`);
    };
    narrow(1_280);
    undo.push(() => narrow(1_500));
    await start();
    expect(await reaches('client')).toEqual(allOf);
    expect(await bulk('client', server, port)).toEqual(whole);
    expect(await bulk('client', server6, port6)).toEqual(whole);
  });

  test('a default route that goes away and comes back', async () => {
    await start();
    const live = await converse(internet.net, 'client', server, port);
    await expect.poll(() => live.heard).toBeGreaterThan(2);
    ip('route del default');
    const back = () => ip('route replace default via 203.0.113.1');
    undo.push(back);
    expect(await errno('client', server, port)).toBe('EHOSTUNREACH');
    expect(await dig('client', 'web.corp.test')).toMatch(/^100\./);
    back();
    await expect.poll(() => errno('client', server, port), { timeout: 15_000 }).toBe('');
    live.stop();
  }, 60_000);

  test('a gateway whose firewall forwards nothing says so, and how to change that', async () => {
    await sysctl('net.ipv4.ip_forward=1');
    firewall.set('chain FORWARD { type filter hook forward priority 0; policy drop; }');
    await start('--gateway', '192.168.77.0/24');
    const { chain, remedy } = await tun!.line('gateway_forward_dropped');
    expect(chain).toBe('inet test FORWARD');
    expect((await internet.run('lan', 'ping', '-c', '1', '-W', '1', server)).code).toBe(1);
    expect(await client('sh', '-c', String(remedy))).toMatchObject({ code: 0 });
    expect(await reaches('lan', [4])).toEqual({ 4: allOf[4] });
    await tun!.stop();
    await start('--gateway', '192.168.77.0/24');
    await expect(tun!.line('gateway_forward_dropped', 2_000)).rejects.toThrow(/did not say/);
  }, 60_000);

  describe('in front of containers, whose bridge is masqueraded', () => {
    beforeAll(async () => {
      await sysctl('net.ipv4.ip_forward=1');
      ip('addr del 192.168.77.1/24 dev lan', 'link add docker0 type bridge', 'link set lan master docker0');
      ip('addr add 192.168.77.1/24 dev docker0', 'link set docker0 up');
    });
    afterAll(() => {
      if (!internet) return;
      ip('link del docker0', 'addr add 192.168.77.1/24 dev lan');
    });
    const masquerade = `chain postrouting { type nat hook postrouting priority srcnat;
      ip saddr 192.168.77.0/24 oifname != "docker0" masquerade
    }`;

    test('they reach Resources as this host does', async () => {
      firewall.set(masquerade);
      await start();
      expect(await reaches('lan', [4])).toEqual({ 4: allOf[4] });
      expect(await errno('lan', server2, 81)).toBe('EHOSTUNREACH');
      expect(await bulk('lan', server, port)).toEqual(whole);
    });

    test('and with --gateway also by name', async () => {
      firewall.set(masquerade);
      await start('--gateway', '192.168.77.0/24');
      expect(await dig('lan', 'web.corp.test')).toMatch(/^100\./);
      expect(await dig('lan', 'public.example')).toBe(core);
      const page = await internet.run('lan', 'curl', '-sS', '-m', '5', 'http://web.corp.test/');
      expect(page.stdout).toMatch(/^private /);
      expect(await reaches('lan', [4])).toEqual({ 4: allOf[4] });
    });
  });

  describe('as a gateway', () => {
    const lan = ['--gateway', '192.168.77.2/32', '--gateway', 'fd77::/64'];
    const doors = ['--dns-listen', `${gateway}:53`, '--dns-listen', `[${gateway6}]:53`];
    beforeAll(() => sysctl('net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'));

    test('devices reach Resources by address and by name, in both families, and no others do', async () => {
      await start(...lan, ...doors);
      expect(await reaches('lan')).toEqual(allOf);
      expect(await dig('lan', `@${gateway}`, 'web.corp.test')).toMatch(/^100\./);
      expect(await dig('lan', `@${gateway6}`, 'web.corp.test', 'AAAA')).toMatch(/^fd53:/);
      expect(await dig('lan', `@${gateway6}`, '+tcp', 'public.example')).toBe(core);
      for (const family of ['-4', '-6']) {
        const args = ['-sS', '-m', '5', family, 'http://web.corp.test/'];
        expect((await internet.run('lan', 'curl', ...args)).stdout).toMatch(/^private /);
      }
      for (const [host, to] of [
        [server, udpPort],
        [server6, udpPort6],
      ] as const) {
        const long = await datagramsAt(internet.net, 'lan', host, to, 9_000);
        expect(await long.ask(5_000)).toBe(true);
        long.close();
      }
      expect(await bulk('lan', server, port)).toEqual(whole);
      expect(await bulk('lan', server6, port6)).toEqual(whole);
      const told = async () => (await internet.world.admin.get('/events?limit=200')).items;
      for (const address of [device, device6])
        await expect
          .poll(told, { timeout: 10_000 })
          .toContainEqual(expect.objectContaining({ client_address: address }));
      // Somebody else in the same LAN.
      internet.net.ip('lan', 'addr add 192.168.77.3/24 dev client');
      undo.push(() => internet.net.ip('lan', 'addr del 192.168.77.3/24 dev client'));
      const from = (source: string) =>
        internet.run('lan', 'curl', '-sS', '-m', '5', '--interface', source, `http://${server}/`);
      expect((await from(device)).stdout).toMatch(/^private /);
      expect((await from('192.168.77.3')).code).toBe(7);
      expect(await dig('lan', '-b', '192.168.77.3', `@${gateway}`, '+time=1', 'web.corp.test')).not.toMatch(
        /^100/,
      );
    });

    test('killed, it refuses their Resources until it is back; their connections end', async () => {
      await start(...lan, ...doors);
      const address = await dig('lan', `@${gateway}`, 'web.corp.test');
      const live = await converse(internet.net, 'lan', server, port);
      await expect.poll(() => live.heard).toBeGreaterThan(0);
      await tun!.kill();
      expect(await errno('lan', server, port)).toBe('EHOSTUNREACH');
      expect(await errno('lan', server6, port6)).toBe('ENETUNREACH');
      await start(...lan, ...doors);
      expect(await live.ended).toBe('ECONNRESET');
      expect(await dig('lan', `@${gateway}`, 'web.corp.test')).toBe(address);
      expect(await reaches('lan')).toEqual(allOf);
    });
  });
});
