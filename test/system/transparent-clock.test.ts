/**
 * Transparent mode on a machine that stands still for a while, or whose clock is set. No token lives longer than
 * a few seconds here, so that every one of them has ended when the machine wakes.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askClient } from '#node-agents/client/local-api.ts';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { Clock } from '../world/clock.ts';
import { echo, type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import { converse, datagramsAt, errnoAt } from '../world/program.ts';
import type { ServiceKey } from '../world/world.ts';

const { server } = addresses;
const lifeS = 4;
/** Longer than any token lives, what is tolerated of clocks included. */
const pauseS = 10;

describe.skipIf((Namespaces.unavailable ?? Clock.unavailable) !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let key: ServiceKey;
  let tun: AgentProcess | undefined;
  let port: number;
  let udpPort: number;

  beforeAll(async () => {
    internet = await openInternet({ tokenLifetime: lifeS });
    port = await internet.listen('private', echo(), server);
    udpPort = await internet.echoDatagrams('private', server);
    const resource = await internet.resource('10.66.0.0/24');
    ({ key } = await internet.world.createService('programs', [resource.id]));
  }, 120_000);
  afterEach(async () => {
    await tun?.stop();
    tun = undefined;
  });
  afterAll(() => internet?.stop());

  const start = async (clock?: Clock): Promise<AgentProcess> => {
    tun = await internet.world.startClient(key, {
      proxyHost: '127.0.0.1',
      prefix: [...internet.net.prefix('client'), ...(clock?.prefix ?? [])],
      args: ['--tun', 'on'],
      ready: false,
    });
    await tun.line('client_ready');
    return tun;
  };
  const status = () => askClient<Snapshot>(join(internet.world.stateDir, tun!.name), '/status');
  const connects = () => errnoAt(internet.net, 'client', server, port);
  const worksAgain = async () => {
    await expect.poll(connects, { timeout: 15_000 }).toBe('');
    const datagrams = await datagramsAt(internet.net, 'client', server, udpPort);
    await expect.poll(() => datagrams.ask(500), { timeout: 15_000 }).toBe(true);
    datagrams.close();
    await expect.poll(async () => (await status()).state, { timeout: 15_000 }).toBe('online');
  };

  test('a process that was stopped for longer than every token lives', async () => {
    const daemon = await start();
    expect(await connects()).toBe('');
    daemon.signal('SIGSTOP');
    await sleep(pauseS * 1_000);
    daemon.signal('SIGCONT');
    await worksAgain();
  }, 60_000);

  test('a virtual machine that was paused for as long, and does not know of it', async () => {
    const clock = new Clock(join(internet.world.stateDir, 'paused'), 'everything');
    const daemon = await start(clock);
    expect(await connects()).toBe('');
    daemon.signal('SIGSTOP');
    await sleep(pauseS * 1_000);
    clock.move(-pauseS);
    daemon.signal('SIGCONT');
    await worksAgain();
  }, 60_000);

  test('a clock that is set an hour ahead, and back: nothing is lost, and tokens go on being renewed', async () => {
    const clock = new Clock(join(internet.world.stateDir, 'set'), 'time of day');
    const daemon = await start(clock);
    const live = await converse(internet.net, 'client', server, port);
    const renewals = () => daemon.lines.filter(({ event }) => event === 'client_acl').length;
    for (const seconds of [3_600, -3_600]) {
      const before = renewals();
      clock.move(seconds);
      expect(await connects()).toBe('');
      await expect.poll(renewals, { timeout: 15_000 }).toBeGreaterThan(before);
      expect(await connects()).toBe('');
      const said = Date.parse(String(daemon.lines.at(-1)!.time));
      expect(Math.abs(said - Date.now())).toBeGreaterThan(1_800_000);
    }
    expect(live.over).toBe(false);
    live.stop();
  }, 60_000);
});
