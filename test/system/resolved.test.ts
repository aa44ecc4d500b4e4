/**
 * Names through a real systemd-resolved: what is ours is asked of the Client, everything else where it always
 * was, whichever way a program asks, and nothing of it outlives the Client.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Internet, openInternet } from '../world/internet.ts';
import { addresses } from '../world/namespaces.ts';
import type { PrivateDns } from '../world/private-dns.ts';
import { System, sallyportd } from '../world/systemd/system.ts';

const why = System.unavailable;
const unit = 'sallyport.service';
const synthetic = /^100\.(9[6-9]|10\d|11[01])\./;

describe.skipIf(why !== undefined)(`with systemd-resolved${why ? ` (${why})` : ''}`, () => {
  let internet: Internet;
  let host: System;
  let service: { id: string };
  let publicDns: PrivateDns;

  beforeAll(async () => {
    internet = await openInternet();
    ({ publicDns } = internet);
    await internet.page('private', addresses.server, 80, 'private');
    await internet.page('core', addresses.core, 80, 'public');
    for (const name of ['web.corp.test', 'one.apps.test', 'late.corp.test'])
      internet.privateDns.names.set(name, [addresses.server]);
    const resources = [await internet.resource('web.corp.test'), await internet.resource('*.apps.test')];
    const made = await internet.world.createService(
      'server',
      resources.map(({ id }) => id),
    );
    service = made;
    host = await System.start(internet.net, 'client');
    const settings = [
      '[Resolve]',
      `DNS=${addresses.core}`,
      'FallbackDNS=',
      'LLMNR=no',
      'MulticastDNS=no',
      'Cache=no',
    ];
    await host.write('/etc/systemd/resolved.conf.d/test.conf', `${settings.join('\n')}\n`);
    await host.must('ln', '-sf', '../run/systemd/resolve/stub-resolv.conf', '/etc/resolv.conf');
    await host.must('systemctl', 'enable', '--now', 'systemd-resolved');
    await host.write('/tmp/service_key.json', JSON.stringify(made.key.file));
    await sallyport('setup', '--headless', '/tmp/service_key.json');
    await host.must('systemctl', 'start', unit);
  }, 120_000);

  afterAll(async () => {
    await host?.stop();
    await internet?.stop();
  });

  test('the Client takes this way by itself, and its unit may write no file of the host’s', async () => {
    expect(await host.journal(unit)).toContainEqual(
      expect.objectContaining({ event: 'tun_ready', dns: 'resolved' }),
    );
    expect(await host.must('systemctl', 'cat', unit)).not.toContain('ReadWritePaths');
    expect(await host.must('ip', 'rule')).not.toContain('lookup 7053');
  });

  test('resolvectl: protected names by our link alone, all others by the host’s own server', async () => {
    const own = await host.must('resolvectl', 'query', 'web.corp.test');
    expect(own).toMatch(/(?:^|\s)100\.\S+ +-- link: sallyport0$/m);
    const other = await host.must('resolvectl', 'query', 'public.example');
    expect(other).toContain(`public.example: ${addresses.core}`);
    expect(other).not.toContain('sallyport0');
    expect(publicDns.asked.join(' ')).toContain('public.example');
    expect(publicDns.asked.join(' ')).not.toContain('corp.test');
    expect(await host.must('resolvectl', 'status', 'sallyport0')).toContain('-DefaultRoute');
    expect((await host.run('resolvectl', 'query', 'nothing.example')).stderr).toContain('not found');
  });

  test('programs reach them through the stub, glibc and dig alike', async () => {
    expect(await addressesOf('web.corp.test')).toContainEqual(expect.stringMatching(synthetic));
    expect(await curl('http://web.corp.test/')).toMatch(/^private web\.corp\.test /);
    expect(await curl('-6', 'http://web.corp.test/')).toMatch(/^private web\.corp\.test /);
    expect(await curl('http://public.example/')).toMatch(/^public /);
    const [address] = (await host.must('dig', '+short', '@127.0.0.53', 'web.corp.test')).split('\n');
    expect(address).toMatch(synthetic);
    expect(await host.must('dig', '+tcp', '+short', '@127.0.0.53', 'web.corp.test')).toBe(`${address}\n`);
    expect(await host.must('dig', '+short', '@127.0.0.53', '-x', address!)).toBe('web.corp.test.\n');
  });

  test('programs reach them through nss-resolve, without any resolv.conf', async () => {
    const before = await host.must('cat', '/etc/nsswitch.conf');
    await host.write('/etc/nsswitch.conf', before.replace('files dns', 'resolve [!UNAVAIL=return] files'));
    await host.must('mv', '/etc/resolv.conf', '/etc/resolv.conf.kept');
    expect(await curl('http://web.corp.test/')).toMatch(/^private web\.corp\.test /);
    expect(await curl('http://public.example/')).toMatch(/^public /);
    await host.must('mv', '/etc/resolv.conf.kept', '/etc/resolv.conf');
    await host.write('/etc/nsswitch.conf', before);
  });

  test('a wildcard has its domain, and what is below it is found', async () => {
    expect(await domains()).toContain('~apps.test');
    expect(await curl('http://one.apps.test/')).toMatch(/^private one\.apps\.test /);
    expect(await addressesOf('nothing.apps.test')).toEqual([]);
    expect(publicDns.asked.join(' ')).not.toContain('apps.test');
  });

  test('a grant adds its domain at once, and takes it away with it', async () => {
    const { id } = await internet.resource('late.corp.test');
    const grant = await internet.world.admin.post('/grants', {
      resource_id: id,
      service_account_id: service.id,
    });
    await expect.poll(domains, { timeout: 10_000 }).toContain('~late.corp.test');
    expect(await curl('http://late.corp.test/')).toMatch(/^private /);
    await internet.world.admin.delete(`/grants/${grant.id}`);
    await expect.poll(domains, { timeout: 10_000 }).not.toContain('~late.corp.test');
    expect(await addressesOf('late.corp.test')).toEqual([]);
  });

  test('resolved that restarts, even without what it knew, or that somebody tells to forget, is told again', async () => {
    await host.must('systemctl', 'restart', 'systemd-resolved');
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
    // Masked, or whoever asks over the bus just then, as our daemon may, has systemd start it again.
    await host.must('systemctl', 'mask', '--runtime', '--now', 'systemd-resolved');
    await host.must('sh', '-c', 'rm -rf /run/systemd/resolve/*');
    await host.must('systemctl', 'unmask', '--runtime', 'systemd-resolved');
    await host.must('systemctl', 'start', 'systemd-resolved');
    await expect.poll(servers, { timeout: 10_000 }).toContain('100.96.0.1');
    expect(await domains()).toContain('~apps.test');
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
    await host.must('resolvectl', 'revert', 'sallyport0');
    await expect.poll(servers, { timeout: 10_000 }).toContain('100.96.0.1');
    expect(await domains()).toContain('~apps.test');
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
    const told = (await host.journal(unit)).filter(({ event }) => event === 'resolved_told_again');
    expect(told).toEqual([expect.not.objectContaining({ error: expect.anything() }), expect.anything()]);
  });

  test('an interface that somebody deletes comes back with its domains', async () => {
    await host.must('ip', 'link', 'del', 'sallyport0');
    await expect.poll(servers, { timeout: 15_000 }).toContain('100.96.0.1');
    expect(await domains()).toContain('~apps.test');
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
  });

  test('killed or stopped, nothing of it is left, and other names are what they were', async () => {
    await host.write(`/run/systemd/system/${unit}.d/test.conf`, '[Service]\nRestartSec=1h\n');
    await host.must('systemctl', 'daemon-reload');
    await host.must('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
    await expect.poll(() => host.must('resolvectl', 'status'), { timeout: 10_000 }).not.toContain('100.96.');
    // Names that somebody else has too.
    const taken = ['web.corp.test', 'one.apps.test', 'unseen.apps.test'];
    for (const name of taken) publicDns.names.set(name, [addresses.core]);
    publicDns.asked.length = 0;
    // Within seconds nobody waits for an answer that its stub (systemd 252) would never give.
    const stub = () => host.run('getent', 'ahosts', 'web.corp.test');
    await expect.poll(async () => timed(stub), { timeout: 20_000 }).toBeLessThan(1_000);
    for (const name of taken) {
      expect(await addressesOf(name)).toEqual([]);
      expect(await curl(`http://${name}/`)).toBe('');
      expect(await host.run('resolvectl', 'query', name)).toMatchObject({ code: 1 });
      expect(await curl('http://public.example/')).toMatch(/^public /);
    }
    expect(publicDns.asked.join(' ')).not.toMatch(/corp\.test|apps\.test/);
    for (const name of taken) publicDns.names.delete(name);
    await host.must('systemctl', 'restart', unit);
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
    await host.must('systemctl', 'stop', unit);
    expect(await host.must('resolvectl', 'status')).not.toMatch(/sallyport0|100\.96\./);
    expect(await curl('http://public.example/')).toMatch(/^public /);
    expect(await host.must('ls', '-A', '/run/systemd/resolve/netif')).toBe('');
  });

  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };

  const sallyport = (...args: string[]): Promise<string> => {
    const [command, ...rest] = sallyportd;
    return host.must(command!, ...rest, ...args);
  };

  const curl = async (...args: string[]): Promise<string> =>
    (await host.run('curl', '-sS', '-m', '5', ...args)).stdout;

  /** What resolved knows of our link; nothing while resolved or the link is away. */
  const known = async (what: 'dns' | 'domain'): Promise<string[]> =>
    (await host.run('resolvectl', what, 'sallyport0')).stdout.split(/\s+/);
  const domains = () => known('domain');
  /** It is told of them last. */
  const servers = () => known('dns');

  const addressesOf = async (name: string): Promise<string[]> => [
    ...new Set(
      (await host.run('getent', 'ahosts', name)).stdout
        .split('\n')
        .flatMap((line) => line.split(' ')[0] || []),
    ),
  ];
});
