/**
 * Two sites behind a host each that is Connector and gateway, built by the very commands of
 * `node-agents/client/tun/GATEWAY.md`: servers reach each other by address and by name, in both directions, as
 * far as they are granted.
 */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo, type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces, type Place } from '../world/namespaces.ts';
import { PrivateDns } from '../world/private-dns.ts';
import { AgentProcess } from '../world/process.ts';
import { datagramsAt, errnoAt } from '../world/program.ts';

const page = readFileSync(new URL('../../node-agents/client/tun/GATEWAY.md', import.meta.url), 'utf8');
const { siteServer, server, server2 } = addresses;

/** Who stands where: the page's places are these namespaces. */
const gatewayA: Place = 'client';
const gatewayB: Place = 'connector';

/** A line of the page, without the variables in front of it, as words. */
function documented(line: string): string[] {
  expect(page.split('\n').map((text) => text.replace(/^(\w+=\S+ )+/, ''))).toContain(line);
  return line.split(' ');
}

describe.skipIf(Namespaces.unavailable !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let port: number;
  let portA: number;

  const run = async (place: Place, line: string): Promise<string> => {
    const [command, ...args] = documented(line);
    const program = command === 'sallyport' ? [process.execPath, 'node-agents/sallyport.ts'] : [command!];
    const { world } = internet;
    const env = [`SALLYPORT_URL=${world.tenantUrl}`, `SALLYPORT_API_TOKEN=${world.admin.token}`];
    const inFolder = args.map((word) => (word.endsWith('.json') ? join(world.stateDir, word) : word));
    const done = await internet.run(place, 'env', ...env, ...program, ...inFolder);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    return done.stdout;
  };
  const start = async (place: Place, line: string, env: Record<string, string>): Promise<AgentProcess> => {
    const [, ...args] = documented(line);
    const { world } = internet;
    const state = join(world.stateDir, `${place}-${args[0]}`);
    await mkdir(state, { mode: 0o700 });
    const agent = new AgentProcess(
      line,
      // A state directory of the test's own in the place of the one that the page names.
      [
        'node-agents/sallyportd.ts',
        ...args
          .join(' ')
          .replace(/--state-dir \S+ /, '')
          .split(' '),
      ],
      {
        prefix: internet.net.prefix(place),
        env: { SALLYPORT_URL: world.tenantUrl, SALLYPORT_STATE_DIR: state, ...env },
      },
    );
    world.processes.push(agent);
    return agent;
  };

  beforeAll(async () => {
    internet = await openInternet();
    const { net, world } = internet;
    await internet.page('private', server, 80, 'at B');
    await internet.page('site', siteServer, 80, 'at A');
    port = await internet.listen('private', echo(), server2);
    portA = await internet.listen('site', echo(), siteServer);
    internet.privateDns.names.set('web.b.corp.test', [server]);
    internet.privateDns.names.set('db.b.corp.test', [server2]);
    const dnsA = await net.within('site', () =>
      PrivateDns.start({ 'web.a.corp.test': [siteServer] }, 53, siteServer),
    );
    internet.afterwards(() => dnsA.stop());
    for (const [place, nameserver] of [
      ['site', addresses.gateway],
      ['private', '10.66.0.1'],
    ] as const)
      await writeFile(`/etc/netns/${net.name(place)}/resolv.conf`, `nameserver ${nameserver}\n`);
    await internet.run('lan', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');

    const [, document] = /```json\n([\s\S]*?)```/.exec(page)!;
    await writeFile(join(world.stateDir, 'site-to-site.json'), document!);
    await run('core', 'sallyport apply site-to-site.json');
    const tokens: string[] = [];
    for (const site of ['a', 'b']) {
      const line = `sallyport connector create --name connector-${site} --network site-${site}`;
      tokens.push(/enrolment_token: (\S+)/.exec(await run('core', line))![1]!);
    }
    await run('core', 'sallyport key create gateway-a --name site-a --out gateway-a.json');
    await run('core', 'sallyport key create gateway-b --name site-b --out gateway-b.json');
    const key = (name: string) => ({ SALLYPORT_SERVICE_KEY: join(world.stateDir, `${name}.json`) });
    const token = (site: number) => ({ SALLYPORT_ENROLL_TOKEN: tokens[site]! });

    await run(gatewayA, 'sysctl -w net.ipv4.ip_forward=1');
    await run(gatewayA, 'ip route add 192.168.88.0/24 via 192.168.77.2');
    await run('lan', 'ip route add 10.66.0.0/24 via 192.168.77.1');
    await run('lan', 'ip route add 100.96.0.0/12 via 192.168.77.1');
    await run(gatewayB, 'sysctl -w net.ipv4.ip_forward=1');
    await run('private', 'ip route add 192.168.88.0/24 via 10.66.0.1');
    await run('private', 'ip route add 100.96.0.0/12 via 10.66.0.1');
    const connector = 'sallyportd connector --state-dir /var/lib/sallyport-connector';
    const client = 'sallyportd --tun on --gateway';
    const connectors = [
      await start(gatewayA, `${connector} --dns 192.168.88.10`, token(0)),
      await start(gatewayB, `${connector} --dns 10.66.0.10`, token(1)),
    ];
    for (const one of connectors) await one.line('connector_ready');
    const clients = [
      await start(gatewayA, `${client} 192.168.88.0/24 --dns-listen 192.168.77.1:53`, key('gateway-a')),
      await start(gatewayB, `${client} 10.66.0.0/24 --dns-listen 10.66.0.1:53`, key('gateway-b')),
    ];
    for (const one of clients) await one.line('client_ready');
  }, 120_000);
  afterAll(() => internet?.stop());

  const curl = async (place: Place, url: string) =>
    (await internet.run(place, 'curl', '-sS', '-m', '10', url)).stdout.trim();
  const errno = (place: Place, host: string, to: number) => errnoAt(internet.net, place, host, to);

  test('servers of A reach B by address and by name, and are seen as its Connector', async () => {
    expect(await curl('site', `http://${server}/`)).toBe(`at B ${server} 10.66.0.1`);
    expect(await curl('site', 'http://web.b.corp.test/')).toBe('at B web.b.corp.test 10.66.0.1');
    expect(await errno('site', server, 81)).toBe('ECONNREFUSED');
    const udp = await internet.echoDatagrams('private', server2);
    const datagrams = await datagramsAt(internet.net, 'site', server2, udp, 4_000);
    expect(await datagrams.ask(5_000)).toBe(true);
    datagrams.close();
    const ping = await internet.run('site', 'ping', '-c', '1', '-w', '5', server2);
    expect(ping.code).toBe(0);
    const bulk = `head -c 20000000 /dev/urandom > "$0"; nc -N db.b.corp.test ${port} < "$0" | cmp - "$0"; rm "$0"`;
    const file = join(internet.world.stateDir, 'bulk');
    expect(await internet.run('site', 'bash', '-c', bulk, file)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('and those of B reach A', async () => {
    expect(await curl('private', `http://${siteServer}/`)).toBe(`at A ${siteServer} ${addresses.gateway}`);
    expect(await curl('private', 'http://web.a.corp.test/')).toBe(
      `at A web.a.corp.test ${addresses.gateway}`,
    );
    expect(await errno('private', siteServer, portA)).toBe('');
    expect(await errno('private', siteServer, 81)).toBe('ECONNREFUSED');
  });

  test('events name the gateway’s Service Account and the server that began', async () => {
    const { items } = await internet.world.admin.get('/service-accounts');
    const idOf = (name: string) => items.find((one: { name: string }) => one.name === name).id;
    const events = async () => (await internet.world.admin.get('/events?limit=200')).items;
    for (const [principal, client_address] of [
      [idOf('gateway-a'), siteServer],
      [idOf('gateway-b'), server],
    ])
      await expect
        .poll(events, { timeout: 10_000 })
        .toContainEqual(expect.objectContaining({ kind: 'closed', principal, client_address }));
  });

  test('machines between them that are not named to the gateway reach nothing', async () => {
    expect(await errno('lan', server, 80)).toBe('EHOSTUNREACH');
    const asked = await internet.run(
      'lan',
      'dig',
      '+short',
      '+time=1',
      '+tries=1',
      `@${addresses.gateway}`,
      'web.b.corp.test',
    );
    expect(asked.stdout).not.toMatch(/^100\./);
  });

  test('what is taken from one gateway ends for its site alone', async () => {
    const { admin } = internet.world;
    const { items } = await admin.get('/grants');
    const { items: resources } = await admin.get('/resources');
    const lanB = resources.find((one: { name: string }) => one.name === 'lan-b').id;
    await admin.delete(
      `/grants/${items.find((one: { resource_id: string }) => one.resource_id === lanB).id}`,
    );
    // It is no Resource any more, so the gateway lets it go where there is no way.
    const asked = () => internet.run('site', 'curl', '-sS', '-m', '1', `http://${server}/`);
    await expect.poll(async () => (await asked()).code, { timeout: 15_000 }).not.toBe(0);
    expect(await curl('site', 'http://web.b.corp.test/')).toMatch(/^at B /);
    expect(await errno('private', siteServer, portA)).toBe('');
  });
});
