/**
 * Rules and routes: what goes into the TUN device and what does not, changes of the ACL, and what is left of a
 * daemon that is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { installRoutes, removeRoutes } from '#node-agents/os/routes.ts';
import { transparentSupport } from '#node-agents/os/support.ts';
import { ask, plan, stand, tryTcp } from './ground.ts';
import { whyNoHost } from './host.ts';

const reason = whyNoHost();
if (reason) console.warn(`skipped: ${reason}`);

describe.skipIf(reason)('routes into the TUN device', () => {
  const ground = stand();

  test('follow the ACL, and go without a trace', async () => {
    const before = ground.host.run(
      'ip rule; ip -6 rule; ip route show table all; ip -6 route show table all',
    );
    const device = ground.openShouting();
    const routes = await installRoutes({ ...plan, prefixes: [] });
    await routes.setPrefixes(['10.66.0.0/16', 'fd66::/64']);
    expect(await ask('10.66.0.9', 4000, 'in')).toBe('IN');
    await routes.setPrefixes(['10.67.0.0/16']);
    expect(await ask('10.67.0.9', 4000, 'in')).toBe('IN');
    expect(ground.host.run('ip route get 10.66.0.9')).toContain('dev cable');
    expect(ground.host.run('ip -6 route get fd66::9')).toContain('dev cable');
    await routes.remove();
    await routes.remove();
    await removeRoutes();
    device.close();
    expect(ground.host.run('ip rule; ip -6 rule; ip route show table all; ip -6 route show table all')).toBe(
      before,
    );
  });

  test('changes that come quickly are carried out in their order', async () => {
    ground.open();
    const routes = await installRoutes(plan);
    await Promise.all([
      routes.setPrefixes(['10.70.0.0/16']),
      routes.setPrefixes(['10.71.0.0/16', '10.72.0.0/16']),
      routes.setPrefixes(['10.72.0.0/16']),
    ]);
    expect(ground.host.run('ip route show table 7057').match(/10\.\d+\.0\.0\/16 dev/g)).toEqual([
      '10.72.0.0/16 dev',
    ]);
  });

  test('a LAN of the host wins over an equal Resource unless it is overridden', async () => {
    await ground.listenAtFarEnd(80);
    ground.open();
    const routes = await installRoutes({ ...plan, prefixes: ['10.1.0.0/24', '10.0.0.0/8'] });
    expect(await tryTcp('10.1.0.2', 80)).toBe('connected');
    expect(ground.host.run('ip route get 10.2.0.2')).toContain('dev sallyport0');
    await routes.remove();
    await installRoutes({ ...plan, prefixes: ['10.1.0.0/24'], override: ['10.1.0.0/24'] });
    expect(ground.host.run('ip route get 10.1.0.2')).toContain('dev sallyport0');
  });

  test('a VPN that takes everything by two halves is no LAN', async () => {
    ground.open();
    await installRoutes(plan);
    ground.host.run('ip route add 0.0.0.0/1 via 10.1.0.2; ip route add 128.0.0.0/1 via 10.1.0.2');
    expect(ground.host.run('ip route get 10.66.0.9')).toContain('dev sallyport0');
    ground.host.run('ip route del 0.0.0.0/1; ip route del 128.0.0.0/1');
  });

  test('questions to any resolver are taken, one on the LAN too, also under strict reverse-path filters', async () => {
    ground.host.run('sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1');
    ground.afterwards(() =>
      ground.host.run('sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0'),
    );
    ground.openShouting();
    const routes = await installRoutes(plan);
    expect(await ask('8.8.8.8', 53, 'dns')).toBe('DNS');
    expect(await ask('10.1.0.2', 53, 'dns')).toBe('DNS');
    expect(await ask('fd01::2', 53, 'dns')).toBe('DNS');
    expect(await ask('10.66.0.9', 4000, 'strict')).toBe('STRICT');
    await routes.remove();
    await installRoutes({ ...plan, captureDns: 'host' });
    expect(await ask('8.8.8.8', 53, 'dns')).toBe('DNS');
  });

  test('rules that somebody else flushed are set again', async () => {
    ground.openShouting();
    const routes = await installRoutes(plan);
    ground.host.run('ip rule del pref 5205; ip -6 rule del pref 5205; ip route flush table 7057');
    expect(ground.host.run('ip route get 10.66.0.9')).toContain('dev cable');
    await routes.repair();
    expect(await ask('10.66.0.9', 4000, 'again')).toBe('AGAIN');
    expect(await ask('fd66::9', 4000, 'again')).toBe('AGAIN');
  });

  test('thousands are set and replaced', async () => {
    ground.open();
    const some = (second: number) =>
      Array.from({ length: 4000 }, (_, i) => `10.${second}.${i >> 8}.${i & 255}`);
    const routes = await installRoutes({ ...plan, prefixes: some(70) });
    await routes.setPrefixes(some(71));
    const there = ground.host.run('ip route show table 7057');
    expect(there.match(/^10\.71\./gm)).toHaveLength(4000);
    expect(there.match(/^unreachable 10\.71\./gm)).toHaveLength(4000);
    expect(there).not.toContain('10.70.');
  });

  test('a host without IPv6 is served by IPv4 alone', async () => {
    ground.host.run('sysctl -qw net.ipv6.conf.default.disable_ipv6=1');
    ground.afterwards(() => ground.host.run('sysctl -qw net.ipv6.conf.default.disable_ipv6=0'));
    expect(await transparentSupport()).toMatchObject({ ok: true, ipv6: false });
    ground.openShouting();
    await installRoutes({ ...plan, ipv6: false });
    expect(await ask('10.66.0.9', 4000, 'four')).toBe('FOUR');
    expect(ground.host.run('ip -6 rule')).not.toContain('7057');
  });

  test('what cannot be set is named, and what was set until then is gone again', async () => {
    const before = ground.host.run('ip rule; ip route show table all');
    await expect(installRoutes({ ...plan, device: 'nowhere0' })).rejects.toMatchObject({
      code: 'routes_failed',
      message: expect.stringContaining('nowhere0'),
    });
    expect(ground.host.run('ip rule; ip route show table all')).toBe(before);
  });

  describe('a daemon that is killed', () => {
    async function hold(prefixes: string): Promise<ChildProcess> {
      const file = new URL('./hold.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [file, prefixes], { stdio: ['pipe', 'pipe', 'inherit'] });
      ground.afterwards(() => child.kill('SIGKILL'));
      expect(String((await once(child.stdout, 'data'))[0])).toBe('ready\n');
      return child;
    }

    test('leaves protected addresses closed and everything else as it was; the next start cleans up', async () => {
      const before = ground.host.run(
        'ip rule; ip -6 rule; ip route show table all; ip -6 route show table all',
      );
      await ground.listenAtFarEnd(80);
      const child = await hold('10.66.0.0/16,10.99.0.0/16,fd66::/64');
      expect(ground.host.run('ip route get 10.66.0.9')).toContain('dev sallyport0');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await expect.poll(() => ground.host.run('ip link')).not.toContain('sallyport0');

      expect(await tryTcp('10.66.0.9', 80)).toBe('EHOSTUNREACH');
      expect(await tryTcp('fd66::9', 80)).toBe('EHOSTUNREACH');
      expect(await tryTcp('10.1.0.2', 80)).toBe('connected');
      expect(await tryTcp('fd01::2', 80)).toBe('connected');
      expect(ground.host.run('ip route get 10.1.0.2 ipproto udp dport 53')).toContain('dev cable');
      const left = ground.host
        .run('ip route show table 7057; ip -6 route show table 7057')
        .trim()
        .split('\n');
      expect(left.every((route) => route.startsWith('unreachable'))).toBe(true);
      expect(left).toHaveLength(3);

      ground.openShouting();
      const routes = await installRoutes(plan);
      expect(await ask('10.66.0.9', 4000, 'back')).toBe('BACK');
      expect(ground.host.run('ip route show table 7057')).not.toContain('10.99.');
      expect(ground.host.run('ip rule').match(/^52\d\d:/gm)).toHaveLength(6);
      await routes.remove();
      await ground.clear();
      expect(
        ground.host.run('ip rule; ip -6 rule; ip route show table all; ip -6 route show table all'),
      ).toBe(before);
    });

    test('can be cleaned up after by itself, more than once', async () => {
      const child = await hold('10.66.0.0/16');
      child.kill('SIGKILL');
      await once(child, 'exit');
      await removeRoutes();
      await removeRoutes();
      expect(ground.host.run('ip rule; ip -6 rule')).not.toMatch(/^52\d\d:/m);
      expect(ground.host.run('ip route show table all')).not.toContain('unreachable');
    });
  });
});
