/**
 * The control channel itself: who may open it, what it takes, what replaces and ends it; receipts of
 * revocations, and events that arrive once however often they are sent.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { messageLimit } from '#schema/control/messages.ts';
import type { FlowEvent } from '#schema/event/event.ts';
import { mintId } from '#schema/ids.ts';
import type { FakeAgent, FakeChannel } from '../fake/agent.ts';
import { FakeAgent as Agent } from '../fake/agent.ts';
import { Admin } from '../world/admin.ts';
import { eventually, TrustWorld } from './trust-world.ts';

let deployment: TrustWorld;
let world: TrustWorld;

beforeAll(async () => {
  deployment = await TrustWorld.start();
});
afterAll(() => deployment.stop());
beforeEach(async () => {
  world = await TrustWorld.in(deployment.administration);
  await world.grant(await world.resource('db.internal'));
});

const id = (noun: Parameters<typeof mintId>[0]) => mintId(noun, crypto.getRandomValues(new Uint8Array(16)));

const event = (more: Partial<FlowEvent> = {}): object => ({
  id: id('event'),
  at: Date.now(),
  kind: 'closed',
  connection: id('connection'),
  principal: world.service,
  client_address: '192.0.2.7',
  protocol: 'tcp',
  host: 'db.internal',
  port: 5432,
  path: 'relay',
  bytes_up: 10,
  bytes_down: 20,
  duration_ms: 30,
  acl_age: 1.5,
  ...more,
});

describe('a channel', () => {
  test('opens for a live credential with token and proof alone', async () => {
    const client = await world.client();
    await client.login();
    const stolen = await world.client();
    stolen.answer = client.answer;
    await expect(stolen.channel()).rejects.toThrow('proof_invalid');
    const plain = await fetch(`${world.url}/api/v1/channel`);
    expect(plain.status).toBe(400);
    await world.admin.post(`/service-keys/${client.subject}/revoke`);
    await expect(client.channel()).rejects.toThrow('key_revoked');
  });

  test('wants hello first, and a version that it knows', async () => {
    const rude = await (await world.client()).channel();
    rude.send({ type: 'renew' });
    expect(await rude.take('refused')).toMatchObject({ code: 'protocol_error' });
    const old = await (await world.client()).channel();
    old.hello({ capability: 0 });
    expect(await old.take('refused')).toMatchObject({ code: 'version_unsupported', retry: false });
    expect(await old.closed).toBe(4401);
  });

  test('ends at what is no message, and at one that is too long', async () => {
    for (const nonsense of ['{', '"x"', '{"type":"hello"}', '{"type":"unheard_of"}']) {
      const channel = await (await world.client()).channel();
      channel.send(nonsense);
      expect(await channel.closed).toBe(4400);
    }
    const channel = await (await world.client()).channel();
    channel.send(JSON.stringify({ type: 'hello', padding: 'x'.repeat(messageLimit) }));
    expect(await channel.closed).toBe(4413);
  });

  test('is replaced by a newer one of the same agent', async () => {
    const agent = await world.connector();
    const { channel: first } = await world.greetedConnector(agent);
    const { channel: second } = await world.greetedConnector(agent);
    expect(await first.closed).toBe(4409);
    second.send('ping');
    await second.take('pong');
    const { connected_at, disconnected_at } = await row(agent);
    expect(connected_at).not.toBeNull();
    expect(disconnected_at).toBeNull();
  });

  test('coming and going is seen by administrators', async () => {
    const agent = await world.connector();
    const { channel } = await world.greetedConnector(agent, { hostname: 'rack-1', labels: { site: 'b' } });
    expect(await world.admin.get(`/connectors/${agent.subject}`)).toMatchObject({
      hostname: 'rack-1',
      labels: { site: 'b' },
      state: 'no_relay',
    });
    await channel.close();
    await eventually(
      'it is gone',
      () => row(agent),
      ({ disconnected_at }) => disconnected_at !== null,
    );
    const { state } = await world.admin.get(`/connectors/${agent.subject}`);
    expect(state).toBe('no_heartbeat');
  });

  const row = async (agent: FakeAgent) =>
    (await world.administration.sql('SELECT * FROM connectors WHERE id = ?', agent.subject))[0]!;
});

describe('a revocation', () => {
  let client: FakeAgent;
  let connectors: FakeChannel[];
  beforeEach(async () => {
    connectors = [];
    for (let i = 0; i < 6; i++)
      connectors.push((await world.greetedConnector(await world.connector())).channel);
    client = await world.client();
    await client.login();
  });

  const confirm = async (channel: FakeChannel, flows: number) => {
    const order = await channel.take('revoke');
    channel.send({ type: 'receipt', revocation: order.revocation, flows_cut: flows, tunnels_cut: 1 });
    return order;
  };

  test('reaches every Connector and relay within a second and returns what they did', async () => {
    const { controller } = world.administration;
    const operator = new Admin(controller.url, controller.operatorToken);
    const made = await operator.post('/relays', { name: world.tenantId, url: 'http://127.0.0.1:1' });
    const relay = await Agent.enrol(controller.url, made.enrolment_token);
    const relayChannel = await relay.channel();
    relayChannel.hello();
    await relayChannel.take('welcome');
    const { channel } = await world.greetedClient(client);

    const heard: string[] = [];
    for (const [one, who] of [
      ...connectors.map((one) => [one, 'connector'] as const),
      [relayChannel, 'relay'] as const,
      [channel, 'client'] as const,
    ]) {
      one.socket.on('message', (data) => /"(revoke|refused)"/.test(String(data)) && heard.push(who));
    }
    const from = performance.now();
    const answering = world.admin.post(`/service-keys/${client.subject}/revoke`);
    const orders = await Promise.all([...connectors, relayChannel].map((one, i) => confirm(one, i)));
    expect(performance.now() - from).toBeLessThan(1_000);
    const { receipt } = await answering;
    expect(receipt).toMatchObject({ complete: true, flows_cut: 21, tunnels_cut: 7 });
    expect(receipt.agents).toHaveLength(7);
    expect(new Set(orders.map(({ revocation }) => revocation))).toEqual(new Set([receipt.revocation]));
    expect(orders[0].jkts).toHaveLength(1);
    expect(await channel.take('refused')).toMatchObject({ code: 'key_revoked' });
    // Whoever cuts first counts the flows; the others would find nothing left to cut.
    expect(heard.slice(0, 6)).toEqual(Array(6).fill('connector'));
    expect(heard.slice(6).sort()).toEqual(['client', 'relay']);
    relayChannel.socket.close();
    await operator.delete(`/relays/${made.id}`);
  });

  test('waits two seconds for one that does not answer, and says so', async () => {
    const answering = world.admin.post(`/service-keys/${client.subject}/revoke`);
    await Promise.all(connectors.slice(1).map((one) => confirm(one, 0)));
    const from = performance.now();
    const { receipt } = await answering;
    expect(performance.now() - from).toBeLessThan(3_000);
    expect(receipt.complete).toBe(false);
    expect(receipt.agents.filter(({ confirmed }: { confirmed: boolean }) => !confirmed)).toHaveLength(1);
  });

  test('does not wait for one that went away meanwhile', async () => {
    const answering = world.admin.post(`/service-keys/${client.subject}/revoke`);
    await connectors[0]!.take('revoke');
    connectors[0]!.socket.terminate();
    await Promise.all(connectors.slice(1).map((one) => confirm(one, 0)));
    expect((await answering).receipt).toMatchObject({ complete: false });
  });

  test('of a Connector is told to Clients at once, and to those that come later', async () => {
    const agent = await world.connector();
    const { channel } = await world.greetedClient(client);
    const from = performance.now();
    const answering = world.admin.post(`/connectors/${agent.subject}/revoke`);
    const hash = (await channel.take('revoke')).connectors[0];
    expect(performance.now() - from).toBeLessThan(1_000);
    await Promise.all(connectors.map((one) => confirm(one, 0)));
    await answering;
    const later = await world.client();
    await later.login();
    const { acl } = await world.greetedClient(later);
    expect(acl.revoked).toEqual([hash]);
  });

  test('reaches sockets of objects that were put out of memory', async () => {
    for (let shard = 0; shard < 4; shard++) {
      await world.administration.controller
        .evict('ControlChannel', `tenant:${world.tenantId}:${shard}`)
        .catch(() => {});
    }
    const answering = world.admin.post(`/service-keys/${client.subject}/revoke`);
    await Promise.all(connectors.map((one) => confirm(one, 1)));
    expect((await answering).receipt).toMatchObject({ complete: true, flows_cut: 6 });
  });
});

describe('events', () => {
  test('are stored once however often they are sent, and can be asked for', async () => {
    const agent = await world.connector();
    const { channel } = await world.greetedConnector(agent);
    const [one, two] = [event(), event({ kind: 'denied', code: 'port_denied', resource: undefined })];
    channel.send({ type: 'events', batch: 1, events: [one, two] });
    expect(await channel.take('events_stored')).toMatchObject({ batch: 1 });
    channel.send({ type: 'events', batch: 2, events: [one, event()] });
    expect(await channel.take('events_stored')).toMatchObject({ batch: 2 });

    const { items } = await world.admin.get('/events');
    expect(items).toHaveLength(3);
    const stored = items.find((item: { id: string }) => item.id === (two as FlowEvent).id);
    expect(stored).toMatchObject({
      kind: 'denied',
      code: 'port_denied',
      connector: agent.subject,
      network: world.network,
      client_address: '192.0.2.7',
      bytes_down: 20,
    });
    expect((await world.admin.get('/events?kind=denied')).items).toHaveLength(1);
    expect((await world.admin.get(`/events?connector=${agent.subject}`)).items).toHaveLength(3);
  });

  test('of a Client bear the name that it logged in with, whatever it says', async () => {
    const client = await world.client();
    const { channel } = await world.greetedClient(client);
    const lie = event({
      kind: 'denied',
      code: 'not_a_resource',
      path: 'none',
      principal: 'svc_somebody_else',
    });
    channel.send({ type: 'events', batch: 7, events: [lie] });
    await channel.take('events_stored');
    const [stored] = (await world.admin.get('/events')).items;
    expect(stored).toMatchObject({
      principal: world.service,
      key: client.subject,
      instance: client.answer!.client!.instance,
    });
  });

  test('of a Client that floods are counted instead of stored, and each batch is acknowledged', async () => {
    const client = await world.client();
    const { channel } = await world.greetedClient(client);
    const flood = () => event({ kind: 'denied', code: 'not_a_resource', path: 'none' });
    for (let batch = 1; batch <= 10; batch++) {
      channel.send({ type: 'events', batch, events: Array.from({ length: 200 }, flood) });
      await channel.take('events_stored');
    }
    const sums = 'SELECT count(*) n, sum(1 + coalesce(suppressed, 0)) told FROM events WHERE tenant_id = ?';
    const counted = async () => (await world.administration.sql(sums, world.tenantId))[0]!;
    const stored = await eventually('all are accounted for', counted, ({ told }) => told === 2_000, 10_000);
    expect(stored['n']).toBeLessThan(400);
  });

  test('come in full batches', async () => {
    const { channel } = await world.greetedConnector(await world.connector());
    channel.send({ type: 'events', batch: 1, events: Array.from({ length: 200 }, () => event()) });
    await channel.take('events_stored');
    const [count] = await world.administration.sql(
      'SELECT count(*) n FROM events WHERE tenant_id = ?',
      world.tenantId,
    );
    expect(count).toEqual({ n: 200 });
  });

  test('go when their time is over', async () => {
    const { channel } = await world.greetedConnector(await world.connector());
    await world.admin.patch('/tenant', { event_retention_days: 2 });
    const old = event({ at: Date.now() - 3 * 86_400_000 });
    channel.send({ type: 'events', batch: 1, events: [old, event()] });
    await channel.take('events_stored');
    await world.administration.controller.clean();
    expect((await world.admin.get('/events')).items).toHaveLength(1);
  });
});
