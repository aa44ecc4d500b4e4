/**
 * The Client among namespaces: what a program on its host reaches, by which way, and what it is told when it
 * does not get there.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Internet, openInternet } from '../world/internet.ts';
import { addresses, Namespaces } from '../world/namespaces.ts';
import type { AgentProcess } from '../world/process.ts';
import type { ServiceKey } from '../world/world.ts';

const why = Namespaces.unavailable;

describe.skipIf(why !== undefined)('in network namespaces', () => {
  let internet: Internet;
  let service: { id: string; key: ServiceKey };

  beforeAll(async () => {
    internet = await openInternet();
    await internet.page('private', addresses.server, 80, 'private');
    await internet.page('private', addresses.server6, 80, 'private6');
    await internet.page('core', addresses.core, 80, 'public');
    internet.privateDns.names.set('web.corp.test', [addresses.server]);
    const resources = [
      await internet.resource('web.corp.test'),
      await internet.resource('10.66.0.0/24', { tcp: [{ from: 80, to: 82 }] }),
      await internet.resource('fd66::/64'),
    ];
    service = await internet.world.createService(
      'programs',
      resources.map(({ id }) => id),
    );
  }, 120_000);

  afterAll(() => internet?.stop());

  const client = (args: string[] = []): Promise<AgentProcess & { proxy: string }> =>
    internet.world.startClient(service.key, {
      proxyHost: '127.0.0.1',
      prefix: internet.net.prefix('client'),
      args,
    });
  const curl = (...args: string[]) => internet.run('client', 'curl', '-sS', '-m', '10', ...args);

  test('without a Client the private network is nowhere; its proxy reaches it, v4 and v6', async () => {
    expect((await curl('-m', '2', `http://${addresses.server}/`)).code).not.toBe(0);
    expect((await curl(`http://${addresses.core}/`)).stdout).toMatch(/^public /);
    const userspace = await client();
    const through = ['-x', `http://${userspace.proxy}`];
    expect((await curl(...through, 'http://web.corp.test/')).stdout).toMatch(/^private web\.corp\.test /);
    expect((await curl(...through, `http://[${addresses.server6}]/`)).stdout).toMatch(/^private6 /);
    await userspace.stop();
  });
});
