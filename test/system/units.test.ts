/**
 * The Client as a service of a real systemd: `setup` installs key and unit, systemd starts, watches and ends
 * it, a killed one comes back while protected addresses stay closed, and a dead key is not tried for ever.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Internet, type Outcome, openInternet } from '../world/internet.ts';
import { addresses } from '../world/namespaces.ts';
import { PrivateDns } from '../world/private-dns.ts';
import { System, sallyportd } from '../world/systemd/system.ts';
import type { ServiceKey } from '../world/world.ts';

const why = System.unavailable;
const unit = 'sallyport.service';
const unitPath = `/etc/systemd/system/${unit}`;
const installedKey = '/etc/sallyport/service_key.json';

describe.skipIf(why !== undefined)(`under systemd${why ? ` (${why})` : ''}`, () => {
  let internet: Internet;
  let host: System;
  let service: { id: string; key: ServiceKey };

  beforeAll(async () => {
    internet = await openInternet();
    await internet.page('private', addresses.server, 80, 'private');
    internet.net.ip('core', `addr add ${addresses.server}/32 dev lo`);
    await internet.page('core', addresses.core, 80, 'public');
    // Whoever asks for the private address outside the tunnel gets here.
    await internet.page('core', addresses.server, 80, 'decoy');
    internet.privateDns.names.set('web.corp.test', [addresses.server]);
    const resources = [await internet.resource('web.corp.test'), await internet.resource('10.66.0.0/24')];
    service = await internet.world.createService(
      'server',
      resources.map(({ id }) => id),
    );
    host = await System.start(internet.net, 'client');
    await resolvConf(`nameserver ${addresses.core}\n`);
  }, 120_000);

  afterAll(async () => {
    await host?.stop();
    await internet?.stop();
  });

  test('setup installs the key for its owner alone and a unit that systemd finds nothing wrong with', async () => {
    const said = await setup('--headless', await given(service.key));
    expect(said).toContain(`installed at ${installedKey}`);
    expect(said).toContain(`systemctl enable --now ${unit}`);
    expect(await host.must('stat', '-c', '%a %U', installedKey)).toBe('600 root\n');
    expect(await host.run('systemd-analyze', 'verify', unitPath)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    // Of 10; it is root, in the host's network, with /dev/net/tun: what is left is what that takes.
    const judged = await host.must('systemd-analyze', 'security', '--no-pager', unit);
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(judged)?.[1])).toBeLessThanOrEqual(2.5);
  });

  test('started means that names and addresses are reached, and that is at every start of the host', async () => {
    await host.must('systemctl', 'enable', '--now', unit);
    // Nothing is waited for: systemctl has returned.
    expect(await curl('http://web.corp.test/')).toMatch(/^private web\.corp\.test /);
    expect(await curl(`http://${addresses.server}/`)).toMatch(/^private /);
    expect(await curl('http://public.example/')).toMatch(/^public /);
    expect(await host.property(unit, 'StatusText')).toContain('sallyportd status');
    expect(await host.must('systemctl', 'is-enabled', unit)).toBe('enabled\n');
    expect((await daemon('status', '--json')).stdout).toContain('"state":"online"');
  });

  test('the journal has its lines as JSON, without a key', async () => {
    const lines = await host.journal(unit);
    expect(lines.filter(({ text }) => text !== undefined)).toEqual([]);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'info', event: 'client_ready' }));
    expect(JSON.stringify(lines)).not.toMatch(/PRIVATE KEY|eyJ[\w-]+\./);
  });

  test('setup again changes nothing, and the service takes another key over while it runs', async () => {
    const main = await host.property(unit, 'MainPID');
    expect(await setup('--headless', await given(service.key))).toContain('is as it was');
    const next = await internet.world.createKey(service.id);
    expect(await setup('--headless', await given(next))).toContain(next.id);
    await expect
      .poll(() => host.journal(unit), { timeout: 10_000 })
      .toContainEqual(expect.objectContaining({ event: 'logged_in', key: next.id }));
    await host.must('systemctl', 'reload', unit);
    expect(await host.property(unit, 'MainPID')).toBe(main);
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
  });

  test('a restart keeps synthetic addresses', async () => {
    const before = await addressesOf('web.corp.test');
    expect(before).toContainEqual(expect.stringMatching(/^100\.(9[6-9]|10\d|11[01])\./));
    await host.must('systemctl', 'restart', unit);
    expect(await addressesOf('web.corp.test')).toEqual(before);
    const [v4] = before.filter((one) => !one.includes(':'));
    expect(await curl(`http://${v4}/`)).toMatch(/^private /);
  });

  test('killed, it is started again; protected addresses are closed meanwhile, and everything else is not', async () => {
    const before = await addressesOf('web.corp.test');
    await dropIn('RestartSec=1h');
    await kill();
    for (const closed of [addresses.server, ...before.filter((one) => !one.includes(':'))])
      expect(await host.run('curl', '-sS', '-m', '5', `http://${closed}/`)).toMatchObject({
        code: 7,
        stdout: '',
      });
    // Could not be resolved, rather than not reached: nobody else was asked.
    expect(await host.run('curl', '-sS', '-m', '5', 'http://web.corp.test/')).toMatchObject({ code: 6 });
    expect(await curl('http://public.example/')).toMatch(/^public /);
    await dropIn('');
    await host.must('systemctl', 'restart', unit);
    expect(await addressesOf('web.corp.test')).toEqual(before);
    await host.must('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
    await expect.poll(() => host.property(unit, 'NRestarts'), { timeout: 10_000 }).toBe('1');
    await expect.poll(() => host.property(unit, 'ActiveState'), { timeout: 20_000 }).toBe('active');
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
  });

  test('networkd, which removes rules and routes that it does not know, leaves protected addresses to us', async () => {
    await host.must('ip', 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1');
    const network = ['[Match]', 'Name=lan0', '[Network]', 'Address=192.168.5.1/24', 'IPv6AcceptRA=no'];
    await host.write('/etc/systemd/network/lan0.network', `${network.join('\n')}\n`);
    await host.must('systemctl', 'start', 'systemd-networkd');
    const configure = async () => {
      await host.must('ip', 'rule', 'add', 'pref', '5300', 'lookup', '7777');
      await host.must('networkctl', 'reload');
      await host.must('networkctl', 'reconfigure', 'lan0');
      await expect.poll(() => host.must('ip', 'rule'), { timeout: 10_000 }).not.toContain('7777');
    };
    await configure();
    expect(await curl(`http://${addresses.server}/`)).toMatch(/^private /);
    await dropIn('RestartSec=1h');
    await kill();
    await configure();
    expect(await curl(`http://${addresses.server}/`)).toBe('');
    await dropIn('');
    await host.must('systemctl', 'stop', 'systemd-networkd');
    await host.must('ip', 'link', 'del', 'lan0');
    await host.must('systemctl', 'restart', unit);
  });

  test('a port that systemd holds refuses nobody, while the Client restarts, is killed or stopped', async () => {
    const socket = 'sallyport-http-proxy.socket';
    const page = readFileSync(new URL('../../node-agents/client/SOCKETS.md', import.meta.url), 'utf8');
    const [, text] = /```ini\n([\s\S]*?)```/.exec(page)!;
    await host.write(`/etc/systemd/system/${socket}`, text!);
    await host.write('/etc/sallyport/environment', 'SALLYPORT_HTTP_PROXY=127.0.0.1:9999\n');
    expect(await host.run('systemd-analyze', 'verify', `/etc/systemd/system/${socket}`)).toMatchObject({
      code: 0,
      stderr: '',
    });
    await host.must('systemctl', 'stop', unit);
    await host.must('systemctl', 'enable', '--now', socket);
    await host.must('systemctl', 'start', unit);
    const asked = async () => {
      const proxied = ['-sS', '-m', '30', '-x', 'http://127.0.0.1:9999', 'http://web.corp.test/'];
      const { code, stdout, stderr } = await host.run('curl', ...proxied);
      return { code, stderr, page: stdout.startsWith('private ') ? 'private' : stdout };
    };
    const answered = { code: 0, stderr: '', page: 'private' };
    expect(await asked()).toEqual(answered);
    const comeThrough = async (over: Promise<unknown>, main: string) => {
      const answers: unknown[] = [];
      while ([main, '0'].includes(await host.property(unit, 'MainPID'))) answers.push(await asked());
      await over;
      answers.push(await asked());
      expect(answers).toEqual(answers.map(() => answered));
    };
    const first = await host.property(unit, 'MainPID');
    await comeThrough(host.must('systemctl', 'restart', unit), first);
    const second = await host.property(unit, 'MainPID');
    // What it was answering dies with it; whoever comes after that is to be answered.
    await host.must('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
    await comeThrough(Promise.resolve(), second);
    await host.must('systemctl', 'stop', unit);
    // Who comes now starts it.
    expect(await asked()).toEqual(answered);
    await host.must('systemctl', 'disable', '--now', socket);
    await host.must('rm', `/etc/systemd/system/${socket}`, '/etc/sallyport/environment');
    await host.must('systemctl', 'daemon-reload');
    await host.must('systemctl', 'restart', unit);
  }, 90_000);

  test('while the Controller is away, starting waits and says for what', async () => {
    await host.must('systemctl', 'stop', unit);
    await internet.world.killController();
    await host.must('systemctl', 'start', '--no-block', unit);
    await expect
      .poll(() => host.property(unit, 'StatusText'), { timeout: 20_000 })
      .toContain('waiting for the Controller');
    expect(await host.property(unit, 'ActiveState')).toBe('activating');
    await internet.world.startController();
    await expect.poll(() => host.property(unit, 'ActiveState'), { timeout: 30_000 }).toBe('active');
    expect(await curl('http://web.corp.test/')).toMatch(/^private /);
    expect(await host.property(unit, 'NRestarts')).toBe('0');
  }, 90_000);

  test('stopped, it leaves nothing behind', async () => {
    await host.must('systemctl', 'stop', unit);
    expect(await host.property(unit, 'Result')).toBe('success');
    await nothingIsLeft();
    expect(await curl(`http://${addresses.server}/`)).toMatch(/^decoy /);
  });

  test('/etc/sallyport/environment makes it a gateway, as soon as the LAN’s interface has its address', async () => {
    const file = '/etc/sallyport/environment';
    const lan = '192.168.77.0/24';
    await host.write(file, `SALLYPORT_GATEWAY=${lan}\nSALLYPORT_DNS_LISTEN=${addresses.gateway}:53\n`);
    await internet.run('client', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    internet.net.ip('client', `addr del ${addresses.gateway}/24 dev lan`);
    await host.must('systemctl', 'start', '--no-block', unit);
    await expect.poll(() => host.property(unit, 'NRestarts'), { timeout: 20_000 }).not.toBe('0');
    internet.net.ip('client', `addr add ${addresses.gateway}/24 dev lan`);
    await expect.poll(() => host.property(unit, 'ActiveState'), { timeout: 20_000 }).toBe('active');
    const device = async (url: string) => (await internet.run('lan', 'curl', '-sS', '-m', '5', url)).stdout;
    expect(await device(`http://${addresses.server}/`)).toMatch(/^private /);
    const asked = await internet.run('lan', 'dig', '+short', `@${addresses.gateway}`, 'web.corp.test');
    expect(await device(`http://${asked.stdout.trim()}/`)).toMatch(/^private /);
    await host.must('systemctl', 'stop', unit);
    await host.must('rm', file);
    await nothingIsLeft();
  });

  test('where programs ask a resolver on loopback, ours is in front, also once DHCP has put another file there', async () => {
    const stub = await internet.net.within('client', () =>
      PrivateDns.start({ 'public.example': [addresses.core] }, 53, '127.0.0.77'),
    );
    await resolvConf('nameserver 127.0.0.77\n');
    expect(await setup('--headless', await given(service.key))).toContain('systemctl restart');
    expect(await host.must('cat', unitPath)).toContain('\nReadWritePaths=-/etc\n');
    await host.must('systemctl', 'start', unit);
    for (const _ of ['first', 'replaced']) {
      await expect
        .poll(() => host.must('cat', '/etc/resolv.conf'), { timeout: 10_000 })
        .toMatch(/nameserver 100\.96\.0\.1\b[\s\S]*127\.0\.0\.77/);
      expect(await curl('http://web.corp.test/')).toMatch(/^private /);
      expect(await curl('http://public.example/')).toMatch(/^public /);
      await resolvConf('# by DHCP\nnameserver 127.0.0.77\n');
    }
    await host.must('systemctl', 'stop', unit);
    expect(await host.must('cat', '/etc/resolv.conf')).toBe('# by DHCP\nnameserver 127.0.0.77\n');
    await resolvConf(`nameserver ${addresses.core}\n`);
    stub.stop();
  });

  test('a key that is revoked, or no key at all, ends it with the reason, and it is not started again', async () => {
    const { key } = await internet.world.createService('dead', []);
    await setup('--headless', await given(key));
    await host.must('systemctl', 'start', unit);
    await internet.world.admin.post(`/service-keys/${key.id}/revoke`);
    await expect.poll(() => host.property(unit, 'ActiveState'), { timeout: 10_000 }).toBe('failed');
    await ended(3, /The Service Key has been revoked/);
    expect((await host.run('systemctl', 'start', unit)).code).not.toBe(0);
    await ended(3, /revoked.*Create a new Service Key/);
    await host.write(installedKey, 'broken');
    expect((await host.run('systemctl', 'start', unit)).code).not.toBe(0);
    await ended(4, /service_key\.json.*Copy the whole file again/);
    await host.write('/etc/sallyport/environment', 'SALLYPORT_GATEWAY=here\n');
    expect((await host.run('systemctl', 'start', unit)).code).not.toBe(0);
    await ended(2, /SALLYPORT_GATEWAY/);
    await host.must('rm', '/etc/sallyport/environment');
    await nothingIsLeft();
  });

  test('setup --uninstall ends it and takes away what setup made, and what a killed one left', async () => {
    await setup('--headless', await given(service.key));
    await host.must('systemctl', 'start', unit);
    await dropIn('RestartSec=1h');
    await kill();
    expect(await host.must('ip', 'rule')).toContain('7057');
    const said = await setup('--uninstall');
    expect(said).toContain(unitPath);
    expect(said).toContain(installedKey);
    await nothingIsLeft();
    expect(await host.property(unit, 'LoadState')).toBe('not-found');
    expect((await host.run('ls', installedKey)).code).not.toBe(0);
    expect((await host.run('systemctl', 'is-enabled', unit)).stdout).not.toContain('enabled');
    expect(await setup('--uninstall')).toBe('Nothing is installed.\n');
  });

  test('--no-systemd, or a host that cannot have transparent mode: the key alone, and what to do instead', async () => {
    const file = await given(service.key);
    const alone = await setup('--headless', file, '--no-systemd');
    expect(alone).toMatch(/No unit is installed: --no-systemd\. [\s\S]*except with 3, 2, 4[\s\S]*--tun on/);
    const [node, script] = sallyportd;
    const unable = ['--bounding-set=-net_admin', node!, script!, 'setup', '--headless', file];
    expect(await host.must('setpriv', ...unable)).toMatch(/No unit is installed: CAP_NET_ADMIN is missing/);
    expect((await host.run('ls', unitPath)).code).not.toBe(0);
    const path = join(internet.world.stateDir, 'elsewhere.json');
    const args = ['setup', '--headless', service.key.path, '--service-key', path];
    const elsewhere = await internet.run('client', process.execPath, 'node-agents/sallyportd.ts', ...args);
    expect(elsewhere.stdout).toMatch(/No unit is installed: systemd does not run here/);
  });

  const daemon = (...args: string[]): Promise<Outcome> => {
    const [command, ...rest] = sallyportd;
    return host.run(command!, ...rest, ...args);
  };

  const setup = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await daemon('setup', ...args);
    if (code !== 0) throw new Error(`setup: ${code}\n${stdout}${stderr}`);
    return stdout;
  };

  /** The key's file, as an administrator would have copied it there. */
  const given = async (key: ServiceKey): Promise<string> => {
    await host.write('/tmp/service_key.json', JSON.stringify(key.file));
    return '/tmp/service_key.json';
  };

  /** Another file in its place, as DHCP clients do it. */
  const resolvConf = async (text: string): Promise<void> => {
    await host.write('/etc/resolv.conf.new', text);
    await host.must('mv', '/etc/resolv.conf.new', '/etc/resolv.conf');
  };

  const dropIn = async (line: string): Promise<void> => {
    await host.write(`/run/systemd/system/${unit}.d/test.conf`, `[Service]\n${line}\n`);
    await host.must('systemctl', 'daemon-reload');
  };

  /** As `kill -9` does; with a restart that is put off it stays so. */
  const kill = async (): Promise<void> => {
    await host.run('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
    await expect.poll(() => host.property(unit, 'SubState'), { timeout: 10_000 }).toBe('auto-restart');
  };

  const curl = async (url: string): Promise<string> => (await host.run('curl', '-sS', '-m', '5', url)).stdout;

  const addressesOf = async (name: string): Promise<string[]> => [
    ...new Set(
      (await host.run('getent', 'ahosts', name)).stdout
        .split('\n')
        .flatMap((line) => line.split(' ')[0] || []),
    ),
  ];

  const nothingIsLeft = async (): Promise<void> => {
    for (const family of ['-4', '-6']) {
      expect(await host.must('ip', family, 'rule')).not.toMatch(/70(57|53)/);
      expect(await host.must('ip', family, 'route', 'show', 'table', 'all')).not.toMatch(
        /70(57|53)|100\.96\./,
      );
    }
    expect(await host.must('ip', 'link')).not.toContain('sallyport0');
    expect(await host.must('cat', '/etc/resolv.conf')).not.toContain('100.96.');
  };

  /** For good, with this exit code, and the last thing it said. */
  const ended = async (status: number, reason: RegExp): Promise<void> => {
    expect(await host.property(unit, 'ActiveState')).toBe('failed');
    expect(await host.property(unit, 'ExecMainStatus')).toBe(String(status));
    expect(await host.property(unit, 'NRestarts')).toBe('0');
    expect((await host.journal(unit)).at(-1)?.text).toMatch(reason);
  };
});
