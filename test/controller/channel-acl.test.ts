/**
 * What agents are told over the control channel, how soon, and that it is the difference to what they hold:
 * also after the object has slept, the agent was away, or something ran out by itself.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FakeAgent, FakeChannel } from '../fake/agent.ts';
import { eventually, TrustWorld } from './trust-world.ts';

let deployment: TrustWorld;
let world: TrustWorld;

beforeAll(async () => {
  deployment = await TrustWorld.start();
});
afterAll(() => deployment.stop());
beforeEach(async () => {
  world = await TrustWorld.in(deployment.administration);
});

/** The bound of the contract, in milliseconds. */
const pushWithin = 1_000;

async function timed<T>(change: () => Promise<unknown>, arrival: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const arrived = arrival();
  await change();
  const value = await arrived;
  expect(performance.now() - from).toBeLessThan(pushWithin);
  return value;
}

const idsOf = (acl: { set: Record<string, unknown> }) => Object.keys(acl.set).sort();
const resourcesOf = async (entry: { acl: string }) =>
  (await world.verified('clientAcl', entry.acl)).acl.resources.map(({ id }) => id).sort();

/** Puts every object of the Tenant out of memory, their WebSockets hibernating. */
async function evictAll(): Promise<void> {
  for (let shard = 0; shard < 4; shard++) {
    await world.administration.controller
      .evict('ControlChannel', `tenant:${world.tenantId}:${shard}`)
      .catch((error) => {
        if (!/not (running|found|active|loaded)|no such/i.test(String(error))) throw error;
      });
  }
}

describe('a Connector', () => {
  let agent: FakeAgent;
  let channel: FakeChannel;
  let first: string;
  /** The ACL version of the snapshot. */
  let held: number;
  beforeEach(async () => {
    first = await world.resource('db.internal');
    agent = await world.connector();
    const greeted = await world.greetedConnector(agent);
    channel = greeted.channel;
    held = greeted.acl.version;
    expect(greeted.acl).toMatchObject({
      aud: agent.answer!.connector!.hash,
      sub: agent.subject,
      stale: 900,
      unset: [],
    });
    expect(greeted.acl.base).toBeUndefined();
    expect(idsOf(greeted.acl)).toEqual([`resource:${first}`]);
  });

  test('gets a snapshot first, then within a second the difference to it', async () => {
    const added = await timed(
      () => world.resource('10.0.0.0/24'),
      () => world.nextConnectorAcl(channel),
    );
    expect(added.base).toBe(held);
    expect(added.version).toBeGreaterThan(held);
    expect(Object.values(added.set)).toMatchObject([
      { kind: 'resource', resource: { address: '10.0.0.0/24' } },
    ]);
    const removed = await timed(
      () => world.admin.delete(`/resources/${first}`),
      () => world.nextConnectorAcl(channel),
    );
    expect(removed).toMatchObject({ base: added.version, set: {}, unset: [`resource:${first}`] });
  });

  test('learns nothing of another Remote Network', async () => {
    const elsewhere = (await world.admin.post('/remote-networks', { name: 'elsewhere' })).id;
    await world.resource('secret.internal', elsewhere);
    const here = await world.resource('web.internal');
    expect(idsOf(await world.nextConnectorAcl(channel))).toEqual([`resource:${here}`]);
    expect(JSON.stringify(channel.received)).not.toContain('secret');
  });

  test('is told the floor when a grant is taken away, and what was revoked', async () => {
    const grant = await world.grant(first);
    await world.admin.delete(`/grants/${grant}`);
    const floor = await world.nextConnectorAcl(channel);
    expect(floor.set[`floor:${world.service}`]).toEqual({
      kind: 'floor',
      principal: world.service,
      version: floor.version,
    });

    const key = await world.key();
    const revoking = world.admin.post(`/service-keys/${key.id}/revoke`);
    const order = await channel.take('revoke', pushWithin);
    expect(order.keys).toEqual([key.id]);
    channel.send({ type: 'receipt', revocation: order.revocation, flows_cut: 0, tunnels_cut: 0 });
    await revoking;
    const revoked = await world.nextConnectorAcl(channel);
    expect(revoked.set).toEqual({ [`revoked:${key.id}`]: { kind: 'revoked', id: key.id } });
  });

  test('that was away gets what it missed, and a snapshot when it holds something unknown', async () => {
    await channel.close();
    const second = await world.resource('web.internal');
    const back = await world.greetedConnector(agent, { acl_version: held });
    expect(back.acl.base).toBe(held);
    expect(idsOf(back.acl)).toEqual([`resource:${second}`]);
    await back.channel.close();

    const same = await world.greetedConnector(agent, { acl_version: back.acl.version });
    expect(same.acl).toMatchObject({ base: back.acl.version, version: back.acl.version, set: {}, unset: [] });
    await same.channel.close();

    for (const acl_version of [1_000_000, 0]) {
      const lost = await world.greetedConnector(agent, { acl_version });
      expect(lost.acl.base).toBeUndefined();
      expect(idsOf(lost.acl)).toEqual([`resource:${first}`, `resource:${second}`].sort());
      await lost.channel.close();
    }
  });

  test('renews ACL and registration when it asks', async () => {
    await channel.take('registration');
    channel.send({ type: 'renew' });
    const acl = await world.nextConnectorAcl(channel);
    expect(acl).toMatchObject({ set: {}, unset: [] });
    expect(acl.base).toBe(acl.version);
    const { token } = await channel.take('registration');
    await world.verified('registration', token, { audience: 'sallyport:relay' });
  });

  test('is told a new staleness budget at once', async () => {
    await world.admin.patch('/tenant', { staleness_budget_seconds: 60 });
    expect(await world.nextConnectorAcl(channel)).toMatchObject({ stale: 60, set: {} });
  });

  test('is reached after the object was put out of memory, and goes on from what it holds', async () => {
    await evictAll();
    const added = await timed(
      () => world.resource('after.internal'),
      () => world.nextConnectorAcl(channel),
    );
    expect(added.base).toBe(held);
    await evictAll();
    channel.send('ping');
    await channel.take('pong');
    channel.send({ type: 'renew' });
    expect((await world.nextConnectorAcl(channel)).base).toBe(added.version);
  });

  test('holds a very large ACL in messages of bearable length', async () => {
    const now = Date.now();
    await world.administration.sql(
      `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 6000)
       INSERT INTO resources (tenant_id, id, remote_network_id, name, address, tcp, udp, icmp, created_at, updated_at)
       SELECT ?, printf('res_%026d', value), ?, 'many-' || value, 'host-' || value || '.many.internal', '"all"', '"all"', 1, ?, ?
       FROM n`,
      ...[world.tenantId, world.network, now, now],
    );
    await world.resource('last.internal');
    const set: Record<string, unknown> = {};
    // The change is longer than the ledger remembers, so the whole comes.
    while (Object.keys(set).length < 6002) {
      const { token } = await channel.take('connector_acl');
      expect(token.length).toBeLessThan(1024 * 1024);
      Object.assign(set, (await world.verified('connectorAcl', token)).set);
    }
  });
});

test('a Client learns what a Connector said of itself between the login and the opening of the channel', async () => {
  await world.grant(await world.resource('db.internal'));
  const connector = await world.connector();
  const { channel: link } = await world.greetedConnector(connector);
  const client = await world.client();
  await client.login();
  const { acl_version, networks } = client.answer!.client!;
  expect(networks[world.network]?.connectors).toEqual([
    { hash: connector.answer!.connector!.hash, relays: ['rel_edge'] },
  ]);
  link.send({ type: 'relays', links: [{ relay: 'rel_edge', state: 'connected' }], weight: 50 });
  await eventually(
    'it is written down',
    () => world.admin.get(`/connectors/${connector.subject}`),
    ({ weight }) => weight === 50,
  );
  const { acl } = await world.greetedClient(client, { acl_version });
  expect(acl.networks[world.network].connectors).toMatchObject([{ weight: 50 }]);
});

describe('a Client', () => {
  let resource: string;
  let client: FakeAgent;
  let channel: FakeChannel;
  beforeEach(async () => {
    resource = await world.resource('db.internal');
    await world.grant(resource);
    client = await world.client();
    const greeted = await world.greetedClient(client);
    channel = greeted.channel;
    expect(greeted.acl).toMatchObject({
      snapshot: false,
      networks: {},
      version: client.answer!.client!.acl_version,
    });
  });

  test('is told within a second what was granted and what was taken away, and only that', async () => {
    const elsewhere = (await world.admin.post('/remote-networks', { name: 'elsewhere' })).id;
    const far = await world.resource('far.internal', elsewhere);
    let grant = '';
    const granted = await timed(
      async () => {
        grant = await world.grant(far);
      },
      () => channel.take('client_acl'),
    );
    expect(granted.snapshot).toBe(false);
    expect(Object.keys(granted.networks)).toEqual([elsewhere]);
    expect(await resourcesOf(granted.networks[elsewhere])).toEqual([far]);

    const taken = await timed(
      () => world.admin.delete(`/grants/${grant}`),
      () => channel.take('client_acl'),
    );
    expect(taken.networks[elsewhere]).toBeNull();
    // The floor voids every older ACL of the principal, so the other network's comes anew as well.
    expect(await resourcesOf(taken.networks[world.network])).toEqual([resource]);
    const acl = await world.verified('clientAcl', taken.networks[world.network].acl);
    expect(acl.acl.version).toBe(taken.version);
  });

  test('that never held anything, or something unknown, gets a snapshot', async () => {
    await channel.close();
    for (const hello of [{}, { acl_version: 1_000_000 }]) {
      const { channel: again, acl } = await world.greetedClient(client, hello);
      expect(acl.snapshot).toBe(true);
      expect(await resourcesOf(acl.networks[world.network])).toEqual([resource]);
      await again.close();
    }
  });

  test('learns where a Connector is met once it is there, and when that changes', async () => {
    const connector = await world.connector();
    const { channel: link } = await world.greetedConnector(connector);
    const { hash } = connector.answer!.connector!;
    const met = (message: { networks?: Record<string, { connectors: unknown[] }> }) =>
      JSON.stringify(message.networks?.[world.network]?.connectors);
    const shown = (expected: unknown[]) => channel.take((m) => met(m) === JSON.stringify(expected));
    await shown([{ hash, relays: ['rel_edge'] }]);
    link.send({ type: 'relays', links: [{ relay: 'rel_edge', state: 'connected' }] });
    await eventually(
      'the links are shown to administrators',
      () => world.admin.get(`/connectors/${connector.subject}`),
      ({ state }) => state === 'alive',
    );
    await world.admin.post(`/connectors/${connector.subject}/revoke`);
    await shown([]);
  });

  test('is told the last of what a Connector said of its links, however fast they went up and down', async () => {
    const connector = await world.connector();
    const { channel: link } = await world.greetedConnector(connector);
    const standing = (state: 'connected' | 'failed') => ({
      type: 'relays' as const,
      links: [{ relay: 'rel_edge', state }],
    });
    const shown = async () => (await world.admin.get(`/connectors/${connector.subject}`)).state;
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 10; i++) link.send(standing(i % 2 === 0 ? 'failed' : 'connected'));
      await eventually('the last one counts', shown, (state) => state === 'alive');
      link.send({ type: 'events', batch: round, events: [] });
      await link.take('events_stored');
      expect(await shown()).toBe('alive');
    }
  });

  test('learns how much of the load a Connector takes; one that changes its mind too often is not heard', async () => {
    const connector = await world.connector();
    const { channel: link } = await world.greetedConnector(connector);
    const { hash } = connector.answer!.connector!;
    const links = [{ relay: 'rel_edge', state: 'connected' as const }];
    const weighed = (weight?: number) =>
      channel.take((message) => {
        const [entry] = message.networks?.[world.network]?.connectors ?? [];
        return entry?.hash === hash && entry.weight === weight;
      });
    await weighed();
    const times = 20;
    for (let i = 1; i <= times; i++) link.send({ type: 'relays', links, weight: 50 + i });
    await weighed(51);
    const shown = async () => (await world.admin.get(`/connectors/${connector.subject}`)).weight;
    expect(await shown()).toBe(51);
    // All of them have been worked on once something that was sent later is answered.
    const events = { type: 'events' as const, batch: 1, events: [] };
    link.send(events);
    await link.take('events_stored');
    expect(await shown()).toBe(51);
  });

  test('loses what runs out at that moment, without anybody changing anything', async () => {
    const brief = await world.resource('brief.internal');
    const until = Date.now() + 2_000;
    const grant = await world.grant(brief);
    await channel.take('client_acl');
    await world.administration.sql('UPDATE grants SET expires_at = ? WHERE id = ?', until, grant);
    await world.resource('any.internal');
    const bounded = await channel.take('client_acl');
    const { acl } = await world.verified('clientAcl', bounded.networks[world.network].acl);
    expect(acl.resources.find(({ id }) => id === brief)?.until).toBe(Math.floor(until / 1000));

    await evictAll();
    const ended = await channel.take('client_acl');
    expect(Date.now()).toBeGreaterThanOrEqual(until);
    expect(Date.now() - until).toBeLessThan(pushWithin);
    expect(await resourcesOf(ended.networks[world.network])).toEqual([resource]);
    expect(ended.version).toBeGreaterThan(bounded.version);
  });

  test('is shown the door when its key runs out', async () => {
    const until = Date.now() + 1_500;
    await world.administration.sql(
      'UPDATE service_keys SET expires_at = ? WHERE id = ?',
      until,
      client.subject,
    );
    await world.resource('any.internal');
    await world.grant(await world.resource('more.internal'));
    expect(await channel.take('refused')).toMatchObject({ code: 'key_expired', retry: false });
    expect(await channel.closed).toBe(4401);
    expect(Date.now() - until).toBeLessThan(pushWithin);
  });

  test('shares nothing with another principal', async () => {
    const other = await world.admin.post('/service-accounts', { name: 'other' });
    await world.grant(await world.resource('other.internal'), { service_account_id: other.id });
    await world.grant(await world.resource('mine.internal'));
    const told = await channel.take('client_acl');
    expect(JSON.stringify(await world.verified('clientAcl', told.networks[world.network].acl))).not.toContain(
      'other',
    );
  });
});
