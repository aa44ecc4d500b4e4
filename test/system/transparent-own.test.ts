/**
 * Resources that hold the addresses and names of the very Controller and relay that the Client needs: it goes
 * on reaching both, while programs are led as their ACL says.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import type { ServiceKey } from '../world/world.ts';

const why = Namespaces.unavailable;

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let service: { id: string; key: ServiceKey };
  let tun: AgentProcess & { proxy: string };
  let relay: AgentProcess;
  let relayPort: number;
  let conf: string;

  const startRelay = () =>
    internet.world.startRelay(
      'relay-2',
      ['--listen', `${addresses.core}:${relayPort}`],
      `http://relay.corp.test:${relayPort}`,
    );

  beforeAll(async () => {
    internet = await openInternet();
    internet.publicDns.names.set('relay.corp.test', [addresses.core]);
    internet.privateDns.names.set('web.corp.test', [addresses.server]);
    await internet.page('private', addresses.server, 80, 'private');
    await internet.page('core', addresses.core, 80, 'core');
    // The only relay left has a name, which the Connector too has to look up in public.
    conf = `/etc/netns/${internet.net.name('connector')}`;
    await mkdir(conf, { recursive: true });
    await writeFile(`${conf}/resolv.conf`, `nameserver ${addresses.core}\n`);
    relayPort = await internet.world.port();
    relay = await startRelay();
    for (const one of internet.world.processes)
      if (one.name === 'relay-1' || one.name === 'connector-1') await one.stop();
    await internet.world.startConnector(
      internet.network,
      'connector-2',
      { SALLYPORT_DNS: internet.privateDns.address },
      { prefix: internet.net.prefix('connector') },
    );
    const resources = [
      await internet.resource('198.51.100.0/24', {
        tcp: [{ from: 1, to: 79 }],
        ...{ udp: 'none', icmp: false },
      }),
      await internet.resource('*.corp.test'),
    ];
    service = await internet.world.createService(
      'inside',
      resources.map(({ id }) => id),
    );
    tun = await internet.world.startClient(service.key, {
      name: 'client',
      prefix: internet.net.prefix('client'),
      proxyHost: '127.0.0.1',
      args: ['--tun', 'on'],
    });
  }, 120_000);

  afterAll(async () => {
    await internet?.stop();
    if (conf) await rm(conf, { recursive: true, force: true });
  });

  const curl = (...args: string[]) => internet.run('client', 'curl', '-sS', '-m', '10', ...args);
  const page = async () => (await curl('http://web.corp.test/')).stdout;

  test('the Client comes up, and its Resources are there', async () => {
    expect(await page()).toMatch(/^private web\.corp\.test /);
  });

  test('programs have the ACL’s word for the Controller’s address, and the relay’s name as the public has it', async () => {
    expect(await curl(`http://${addresses.core}/`)).toMatchObject({ code: 7 });
    const asked = await internet.run('client', 'dig', '+short', 'relay.corp.test', 'web.corp.test');
    expect(asked.stdout).toMatch(new RegExp(`^${addresses.core}\\n100\\.`));
  });

  test('status says what was refused, and why, by the device and by the proxy alike', async () => {
    await curl('-x', `http://${tun.proxy}`, 'http://198.51.100.7:81/');
    await curl('http://web.corp.test:82/');
    await internet.run('client', 'ping', '-c', '1', '-W', '1', addresses.core);
    await internet.run('client', 'bash', '-c', 'echo x > /dev/udp/198.51.100.7/99');
    const stateDir = join(internet.world.stateDir, 'client');
    const asked = ['node-agents/sallyportd.ts', 'status', '--state-dir', stateDir];
    const { stdout } = await internet.run('client', process.execPath, ...asked, '--json');
    const why = (JSON.parse(stdout) as Snapshot).refusals.map(
      ({ protocol, host, port, code }) => `${protocol} ${host} ${port} ${code}`,
    );
    expect(why).toEqual(
      expect.arrayContaining([
        `tcp ${addresses.core} 80 port_denied`,
        'tcp 198.51.100.7 81 port_denied',
        'tcp web.corp.test 82 connection_refused',
        `icmp ${addresses.core} null port_denied`,
        'udp 198.51.100.7 99 port_denied',
      ]),
    );
    const text = await internet.run('client', process.execPath, ...asked);
    expect(text.stdout).toMatch(/^Refused .* udp 198\.51\.100\.7:99, port_denied: /m);
    expect(tun.output()).not.toMatch(/web\.corp|198\.51\.100\.7/);
  });

  test('a relay and a Controller that were away are found again', async () => {
    await relay.kill();
    await tun.line('tunnel_lost');
    relay = await startRelay();
    await expect.poll(page, { timeout: 30_000 }).toMatch(/^private /);
    const since = tun.lines.length;
    await internet.world.killController();
    await tun.line((line) => tun.lines.indexOf(line) >= since && line.event === 'control_channel_down');
    await internet.world.startController();
    const wide = await internet.resource('fd66::/64');
    await internet.page('private', addresses.server6, 80, 'private6');
    await internet.world.admin.post('/grants', { resource_id: wide.id, service_account_id: service.id });
    await expect
      .poll(async () => (await curl(`http://[${addresses.server6}]/`)).stdout, { timeout: 60_000 })
      .toMatch(/^private6 /);
  }, 120_000);
});
