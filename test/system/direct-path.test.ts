/**
 * Direct paths for real: a Client and a Connector that can see each other meet without the relay, new flows move
 * over and back, and whatever was under way arrives whole.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DirectLab, type Place, type Visitor } from '../world/direct-lab.ts';
import { type LabHost, NatLab } from '../world/nat-lab.ts';
import type { ServiceKey } from '../world/world.ts';
import { sumOf } from './origin/bulk.ts';

const reason = NatLab.unavailable;
if (reason) console.warn(`skipped: ${reason}`);

describe.skipIf(reason)('on one LAN', () => {
  let direct: DirectLab;
  let place: Place;
  let key: ServiceKey;
  let clientHost: LabHost;
  const visitors: Visitor[] = [];

  beforeAll(async () => {
    direct = await DirectLab.open();
    const site = direct.lab.site('office', 'port');
    place = await direct.place('office', site.host('connector'));
    clientHost = site.host('client');
    key = (await direct.world.createService('app', [place.resource])).key;
  }, 120_000);
  afterAll(() => direct?.stop());
  afterEach(async () => {
    await Promise.all(visitors.splice(0).map(({ agent }) => agent.stop()));
  });

  /** A Client whose relayed tunnel is open. */
  const arrive = async (
    host = clientHost,
    env: Record<string, string> = {},
    as = key,
    args: string[] = [],
  ): Promise<Visitor> => {
    const visitor = await direct.visitor(as, host, env, args);
    visitors.push(visitor);
    await expect.poll(async () => (await visitor.towards(place)).state, { timeout: 10_000 }).toBe('open');
    return visitor;
  };
  const pathOf = async (visitor: Visitor) => (await visitor.towards(place)).path;
  const arriveDirectly = async (...args: Parameters<typeof arrive>): Promise<Visitor> => {
    const visitor = await arrive(...args);
    expect((await visitor.curl('-p', `${place.url}/5`)).code).toBe(0);
    await expect
      .poll(() => visitor.towards(place), { timeout: 10_000 })
      .toMatchObject({ path: 'direct', direct: { state: 'up', last_failure: null } });
    return visitor;
  };
  /** The SHA-256 of what was received. */
  const fetchSum = async (visitor: Visitor, bytes: number, ...args: string[]) => {
    const file = `${direct.world.stateDir}/got-${visitors.length}-${args.length}-${bytes}`;
    const { code } = await visitor.curl('-p', '-o', file, ...args, `${place.url}/${bytes}`);
    return { code, sum: code === 0 ? await sumOfFile(file) : undefined };
  };
  const closedEvents = async () =>
    (await direct.world.admin.get('/events?limit=200')).items.filter(
      ({ kind }: { kind: string }) => kind === 'closed',
    );
  /** What passes between the two hosts, and not by the router. */
  const between = (rule: string) =>
    direct.lab.nft(
      place.host.namespace,
      `table ip cut
       delete table ip cut
       table ip cut {
         chain input { type filter hook input priority 0; ip saddr ${clientHost.address} ${rule}; }
       }`,
    );

  test('an idle Client asks for nothing; the first flow goes by relay, and the next ones directly', async () => {
    const visitor = await arrive();
    expect(await visitor.towards(place)).toMatchObject({ path: 'relay', direct: { state: 'resting' } });
    expect(visitor.agent.lines.filter(({ event }) => event === 'offer')).toEqual([]);
    expect((await visitor.curl(`${place.url}/5`)).code).toBe(0);
    await visitor.agent.line('direct_path_open');
    expect(await visitor.towards(place)).toMatchObject({
      ...{ state: 'open', path: 'direct', relay: null },
      direct: { state: 'up', last_failure: null },
    });
    expect((await visitor.curl(`${place.url}/7`)).code).toBe(0);
    expect((await visitor.curl('-p', `${place.url}/9`)).code).toBe(0);
    // The second request still found a connection in stock, which went by relay and is kept no longer.
    await expect
      .poll(closedEvents, { timeout: 10_000 })
      .toEqual([
        expect.objectContaining({ path: 'direct', relay: null }),
        expect.objectContaining({ path: 'relay', relay: expect.stringMatching(/^rel_/) }),
      ]);
    expect((await visitor.status()).direct_paths).toEqual({ opened: 1, failed: 0 });
  });

  test('a transfer that runs while the path moves arrives whole, by the way it began', async () => {
    const before = (await closedEvents()).length;
    const visitor = await arrive();
    const slow = fetchSum(visitor, 60_000_000, '--limit-rate', '6M');
    await visitor.agent.line('direct_path_open');
    await expect.poll(() => pathOf(visitor), { timeout: 10_000 }).toBe('direct');
    const fast = await fetchSum(visitor, 20_000_000);
    expect(fast.sum).toBe(sumOf(20_000_000));
    await expect
      .poll(() => visitor.towards(place))
      .toMatchObject({ flows: 1, flows_direct: 0, path: 'direct' });
    expect((await slow).sum).toBe(sumOf(60_000_000));
    await expect
      .poll(
        async () =>
          (await closedEvents()).slice(0, -before || undefined).map(({ path }: { path: string }) => path),
        {
          timeout: 10_000,
        },
      )
      .toEqual(['relay', 'direct']);
  }, 60_000);

  test('when a path goes dark, new flows go by relay and old ones end; when it is light again, they move back', async () => {
    const visitor = await arriveDirectly();
    const running = fetchSum(visitor, 400_000_000, '--limit-rate', '2M');
    await expect.poll(async () => (await visitor.towards(place)).flows_direct).toBe(1);
    between('drop');
    expect((await fetchSum(visitor, 1_000_000)).sum).toBe(sumOf(1_000_000));
    expect(await pathOf(visitor)).toBe('relay');
    expect((await running).code).not.toBe(0);
    between('accept');
    await expect.poll(() => pathOf(visitor), { timeout: 20_000 }).toBe('direct');
    expect((await fetchSum(visitor, 1_000_000)).sum).toBe(sumOf(1_000_000));
  }, 60_000);

  test('when a path is reset, the next flow goes by relay at once', async () => {
    const visitor = await arriveDirectly();
    between('meta l4proto tcp reject with tcp reset');
    const sums = await Promise.all([1, 2, 3, 4].map((n) => fetchSum(visitor, 1_000_000 + n)));
    expect(sums.map(({ sum }) => sum)).toEqual([1, 2, 3, 4].map((n) => sumOf(1_000_000 + n)));
    await visitor.agent.line('direct_path_lost');
    expect(await pathOf(visitor)).toBe('relay');
    between('accept');
  }, 60_000);

  test('the relay may go: what goes directly goes on, and new flows come', async () => {
    const visitor = await arriveDirectly();
    const relays = direct.world.processes.filter(({ name }) => name.startsWith('relay'));
    for (const relay of relays) relay.signal('SIGSTOP');
    try {
      expect((await fetchSum(visitor, 20_000_000)).sum).toBe(sumOf(20_000_000));
      expect(await pathOf(visitor)).toBe('direct');
    } finally {
      for (const relay of relays) relay.signal('SIGCONT');
    }
  }, 60_000);

  test('a revocation cuts what goes directly, and nobody gets in that way any more', async () => {
    const { key: doomed } = await direct.world.createService('doomed', [place.resource]);
    const visitor = await arriveDirectly(clientHost, {}, doomed);
    const running = fetchSum(visitor, 400_000_000, '--limit-rate', '2M');
    await expect.poll(async () => (await visitor.towards(place)).flows_direct).toBe(1);
    const receipt = await direct.world.admin.post(`/service-keys/${doomed.id}/revoke`);
    expect(JSON.stringify(receipt)).toContain('"flows_cut":1');
    expect((await running).code).not.toBe(0);
    expect(await visitor.agent.exited).not.toBe(0);
  }, 60_000);

  test('on one host they meet too', async () => {
    const visitor = await arriveDirectly(place.host);
    expect((await fetchSum(visitor, 5_000_000)).sum).toBe(sumOf(5_000_000));
  });

  test('with --tun on, flows of any program go directly too, and the path itself does not lead into the tunnel', async () => {
    // The LAN itself is a Resource: without a mark, what goes to the Connector's address would come back here.
    const { admin } = direct.world;
    const lan = await admin.post('/resources', {
      ...{ name: 'lan', remote_network_id: place.network, address: '192.168.1.0/24', allow_reserved: true },
    });
    const { key: wide } = await direct.world.createService('wide', [place.resource, lan.id]);
    const visitor = await arrive(clientHost, {}, wide, ['--tun', 'on', '--dns', 'off']);
    const file = `${direct.world.stateDir}/got-plainly`;
    const plainly = (path: number) =>
      direct.run([...clientHost.prefix, 'curl', '-sS', '-m', '20', '-o', file, `${place.url}/${path}`]);
    expect((await plainly(5)).code).toBe(0);
    await visitor.agent.line('direct_path_open');
    await expect.poll(() => pathOf(visitor), { timeout: 10_000 }).toBe('direct');
    const before = (await closedEvents()).length;
    expect((await plainly(3_000_000)).code).toBe(0);
    expect(await sumOfFile(file)).toBe(sumOf(3_000_000));
    await expect
      .poll(async () => (await closedEvents()).slice(0, -before || undefined), { timeout: 10_000 })
      .toEqual([expect.objectContaining({ path: 'direct', relay: null })]);
  }, 60_000);

  test('by IPv6, where IPv4 does not get from one to the other', async () => {
    const ends = [
      [clientHost, 'fd77::1'],
      [place.host, 'fd77::2'],
    ] as const;
    const each = (command: (address: string) => string) => {
      for (const [{ namespace }, address] of ends) direct.lab.ip(namespace, command(address));
    };
    each((address) => `-6 addr add ${address}/64 dev lan nodad`);
    between('drop');
    try {
      const visitor = await arriveDirectly();
      const { stdout } = await direct.run([...clientHost.prefix, 'ss', '-Htn', 'dst', '[fd77::2]']);
      expect(stdout.trim().split('\n')).toEqual([
        expect.stringMatching(/^ESTAB .*\[fd77::1\]:\d+ +\[fd77::2\]:\d+/),
      ]);
      expect((await fetchSum(visitor, 5_000_000)).sum).toBe(sumOf(5_000_000));
    } finally {
      between('accept');
      each((address) => `-6 addr del ${address}/64 dev lan`);
    }
  }, 60_000);

  test('with --p2p off on either side, everything goes by relay and nothing is offered', async () => {
    const visitor = await arrive(clientHost, { SALLYPORT_P2P: 'off' });
    expect((await visitor.curl(`${place.url}/5`)).code).toBe(0);
    expect(await visitor.towards(place)).toMatchObject({ path: 'relay', direct: null });
    expect((await visitor.status()).p2p).toBe('off');
    const site = direct.lab.site('branch', 'port');
    const shut = await direct.place('branch', site.host('shut'), { SALLYPORT_P2P: 'off' });
    const { key: other } = await direct.world.createService('other', [shut.resource]);
    const willing = await direct.visitor(other, site.host('willing'));
    visitors.push(willing);
    expect((await willing.curl('--retry', '5', '--retry-all-errors', `${shut.url}/5`)).code).toBe(0);
    const failed = await willing.agent.line('direct_path_failed');
    expect(failed).toMatchObject({ code: 'path_unavailable' });
    expect((await willing.towards(shut)).direct).toMatchObject({ state: 'resting' });
  }, 60_000);

  test('no port of the Connector’s host ever listens, and no address is told above debug', async () => {
    const watch = ['sh', '-c', "for i in $(seq 400); do ss -Hltn; done | awk '{print $4}' | sort -u"];
    const seen = direct.run([...place.host.prefix, ...watch]);
    const visitor = await arriveDirectly();
    const [listener] = (await seen).stdout.trim().split('\n');
    expect((await seen).stdout.trim()).toBe(listener);
    expect(listener).toBe(new URL(place.url).host);
    for (const { lines } of [visitor.agent, place.connector]) {
      const told = lines.filter(({ level }) => level !== 'debug').map((line) => JSON.stringify(line));
      expect(told.filter((line) => line.includes(clientHost.address))).toEqual([]);
      expect(told.filter((line) => line.includes(place.host.address))).toEqual([]);
    }
  }, 60_000);
});

const sumOfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
};
