/**
 * Transparent mode while something fails around it: the tunnel, the Connector, the Controller, the host's
 * resolver. Programs are told in time, and what can go on goes on by itself. How soon the next flow works
 * whichever part is gone is for `failover.test.ts`; here it is what programs see of it.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askClient } from '#node-agents/client/local-api.ts';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { Firewall } from '../world/firewall.ts';
import { echo, type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import { type Conversation, converse, datagramsAt, errnoAt, tryConnect } from '../world/program.ts';

const { core, client, connector, server } = addresses;

describe.skipIf(Namespaces.unavailable !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let tun: AgentProcess;
  let startClient: () => Promise<AgentProcess>;
  /** For what arrives at Controller and relays, and at the Client's host. */
  let atCore: Firewall;
  let atClient: Firewall;
  let port: number;
  let udpPort: number;

  beforeAll(async () => {
    internet = await openInternet();
    atCore = new Firewall(internet.net, 'core');
    atClient = new Firewall(internet.net, 'client');
    port = await internet.listen('private', echo(), server);
    udpPort = await internet.echoDatagrams('private', server);
    internet.privateDns.names.set('web.corp.test', [server]);
    const resources = [await internet.resource('web.corp.test'), await internet.resource('10.66.0.0/24')];
    const { key } = await internet.world.createService(
      'programs',
      resources.map(({ id }) => id),
    );
    startClient = () =>
      internet.world.startClient(key, {
        proxyHost: '127.0.0.1',
        prefix: internet.net.prefix('client'),
        args: ['--tun', 'on'],
      });
    tun = await startClient();
  }, 120_000);

  afterEach(() => {
    atCore?.clear();
    atClient?.clear();
  });
  afterAll(() => internet?.stop());

  const status = () => askClient<Snapshot>(join(internet.world.stateDir, tun.name), '/status');
  const connectors = async () => (await status()).networks[0]!.connectors;
  const talk = async (): Promise<Conversation> => {
    const live = await converse(internet.net, 'client', server, port);
    await expect.poll(() => live.heard).toBeGreaterThan(1);
    return live;
  };
  const connects = () => errnoAt(internet.net, 'client', server, port);
  const timed = async () => {
    const { says, ms, socket } = await tryConnect(internet.net, 'client', server, port);
    socket.destroy();
    return { says, ms };
  };
  const dig = async (...args: string[]): Promise<string> => {
    const { stdout } = await internet.run('client', 'dig', '+tries=1', '+time=7', ...args);
    return /status: (\w+)/.exec(stdout)?.[1] ?? 'no answer';
  };
  const startConnector = (name: string) =>
    internet.world.startConnector(
      internet.network,
      name,
      { SALLYPORT_DNS: internet.privateDns.address },
      { prefix: internet.net.prefix('connector') },
    );

  /** The local ports of what the Client has open towards the relay that it uses. */
  const portsInUse = async (): Promise<string> => {
    const [inUse] = (await connectors()).filter(({ state }) => state === 'open');
    const relay = (await status()).relays.find(({ id }) => id === inUse!.relay)!;
    const { stdout } = await internet.run('client', 'ss', '-Htn', 'state', 'established');
    const open = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    const here = open.filter(([, , , peer]) => peer === new URL(relay.url).host);
    return here.map(([, , local]) => local!.split(':').at(-1)!).join(', ');
  };

  describe('the tunnel', () => {
    test('reset on its way: its flows end at once, the next connection works', async () => {
      const live = await talk();
      const ports = await portsInUse();
      atCore.reset(`ip saddr ${client} tcp sport { ${ports} }`);
      atClient.reset(`ip saddr ${core} tcp dport { ${ports} }`);
      expect(await live.ended).toBe('ECONNRESET');
      expect(await timed()).toEqual({ says: '', ms: below(2_500) });
    });

    test('swallowed on its way: the next connection works soon, datagrams find their way again, flows end', async () => {
      const live = await talk();
      const datagrams = await datagramsAt(internet.net, 'client', server, udpPort);
      expect(await datagrams.ask(5_000)).toBe(true);
      const ports = await portsInUse();
      const begun = performance.now();
      atCore.swallow(`ip saddr ${client} tcp sport { ${ports} }`);
      atClient.swallow(`ip saddr ${core} tcp dport { ${ports} }`);
      expect(await timed()).toEqual({ says: '', ms: below(4_000) });
      await expect.poll(() => datagrams.ask(500), { timeout: 15_000 }).toBe(true);
      expect(await live.ended).toBe('ECONNRESET');
      expect(performance.now() - begun).toBeLessThan(15_000);
      datagrams.close();
    }, 60_000);
  });

  describe('the Connector', () => {
    test('killed: flows end, new ones are refused soon, names stay what they are; all is well once it is back', async () => {
      const live = await talk();
      await internet.connector.kill();
      expect(await live.ended).toBe('ECONNRESET');
      expect(await timed()).toEqual({ says: 'EHOSTUNREACH', ms: below(5_000) });
      expect(await dig('web.corp.test')).toBe('NOERROR');
      internet.connector = await startConnector('connector-1');
      await expect.poll(connects, { timeout: 20_000 }).toBe('');
    }, 60_000);

    test('swallowed by the network: the same, a little later', async () => {
      const live = await talk();
      const begun = performance.now();
      atCore.swallow(`ip saddr ${connector}`);
      expect(await timed()).toEqual({ says: 'EHOSTUNREACH', ms: below(10_000) });
      expect(await live.ended).toBe('ECONNRESET');
      expect(performance.now() - begun).toBeLessThan(20_000);
      atCore.clear();
      await expect.poll(connects, { timeout: 20_000 }).toBe('');
    }, 60_000);

    test('one of two stands still: the next connection goes by the other', async () => {
      const second = await startConnector('connector-2');
      await expect.poll(async () => (await connectors()).map(({ state }) => state)).toEqual(['open', 'open']);
      const live = await talk();
      const busy = (await connectors()).find(({ flows }) => flows > 0)!.hash;
      const victim = (await second.line('connector_ready')).hash === busy ? second : internet.connector;
      victim.signal('SIGSTOP');
      expect(await timed()).toEqual({ says: '', ms: below(4_000) });
      expect(await live.ended).toBe('ECONNRESET');
      victim.signal('SIGCONT');
      await second.stop();
    }, 60_000);
  });

  test('the Controller gone: flows go on, new ones and names too, and it is found again', async () => {
    // The edge relay would go with the Controller; after what the network has been through, it may be in use.
    const relays = async () => (await connectors()).flatMap(({ relay }) => relay ?? []);
    while ((await relays()).includes('rel_edge')) {
      await tun.stop();
      tun = await startClient();
      await expect.poll(async () => (await relays()).length, { timeout: 20_000 }).toBeGreaterThan(0);
    }
    await expect.poll(connects, { timeout: 20_000 }).toBe('');
    const live = await talk();
    await internet.world.killController();
    for (let i = 0; i < 5; i++) expect(await connects()).toBe('');
    expect(await dig('web.corp.test')).toBe('NOERROR');
    await internet.world.startController();
    await expect.poll(async () => (await status()).controller.state, { timeout: 30_000 }).toBe('open');
    expect(live.over).toBe(false);
    live.stop();
  }, 60_000);

  describe('the resolver of the host', () => {
    test('silent: protected names are answered amid thousands of questions, of which few are kept', async () => {
      const descriptors = () => readdirSync(`/proc/${tun.pid}/fd`).length;
      const before = descriptors();
      const memory = tun.memory().now;
      atCore.swallow('udp dport 53');
      const asked = internet.run('client', process.execPath, '-e', askMany(3_000));
      await expect.poll(descriptors, { timeout: 10_000, interval: 20 }).toBeGreaterThan(before + 400);
      expect(await dig('web.corp.test')).toBe('NOERROR');
      expect(await dig('public.example')).toBe('SERVFAIL');
      expect(descriptors()).toBeLessThan(before + 600);
      // Those that were kept, 512, are told in one burst, of which the asking socket's buffer holds about half.
      expect(Number((await asked).stdout)).toBeGreaterThanOrEqual(3_000 - 512);
      await expect.poll(descriptors, { timeout: 10_000 }).toBeLessThan(before + 10);
      expect(tun.memory().now).toBeLessThan(memory + 60);
    }, 60_000);

    test('unreachable: whoever asks is told so, and gets answers once it is back', async () => {
      atCore.set('chain arriving { type filter hook input priority 0;\nudp dport 53 reject\n}');
      expect(await dig('public.example')).toBe('SERVFAIL');
      expect(await dig('web.corp.test')).toBe('NOERROR');
      atCore.clear();
      expect(await dig('public.example')).toBe('NOERROR');
    });
  });
});

const below = (ms: number) => expect.toSatisfy((took: number) => took < ms, `less than ${ms} ms`);

/** Questions for a name that is not protected, 100 in 10 ms; prints how many were answered. */
const askMany = (count: number) => `
  const socket = require('node:dgram').createSocket('udp4');
  const name = Buffer.from('\\x06public\\x07example\\0\\0\\x01\\0\\x01', 'latin1');
  const query = (id) => Buffer.concat([Buffer.of(id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0), name]);
  let sent = 0, answered = 0;
  const end = () => { console.log(answered); process.exit(); };
  socket.on('message', () => ++answered === ${count} && end());
  const send = () => {
    for (let i = 0; i < 100; i++) socket.send(query(sent++), 53, '${core}');
    setTimeout(sent < ${count} ? send : end, sent < ${count} ? 10 : 8_000);
  };
  send();`;
