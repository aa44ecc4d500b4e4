/**
 * What an agent may try that holds a real Service Key, and what somebody may who holds nothing: against the
 * real Controller, by way of its public doors.
 */
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { paths } from '#schema/control/login.ts';
import { mintId } from '#schema/ids.ts';
import { enrol, FakeAgent, makeKeyPair, nonce } from '../fake/agent.ts';
import { Admin } from '../world/admin.ts';
import { TrustWorld } from './trust-world.ts';

let world: TrustWorld;

beforeAll(async () => {
  world = await TrustWorld.start();
  await world.grant(await world.resource('db.internal'));
});
afterAll(() => world.stop());

const id = (noun: Parameters<typeof mintId>[0]) => mintId(noun, crypto.getRandomValues(new Uint8Array(16)));
const event = (more: object = {}) => ({
  ...{ id: id('event'), at: Date.now(), kind: 'denied', connection: id('connection') },
  ...{ protocol: 'tcp', host: 'db.internal', port: 5432, path: 'none', code: 'not_a_resource' },
  ...more,
});

async function report(...events: object[]): Promise<void> {
  const { channel } = await world.greetedClient(await world.client());
  channel.send({ type: 'events', batch: 1, events });
  expect(await channel.take('events_stored')).toMatchObject({ batch: 1 });
  channel.close();
}

const stored = async (connection: string) =>
  (await world.admin.get(`/events?connection=${connection}`)).items[0];

test('an event of a time that no calendar knows does not hide the others', async () => {
  const [late, early] = [event({ at: Number.MAX_SAFE_INTEGER }), event({ at: -Number.MAX_SAFE_INTEGER })];
  await report(late, early);
  const { items } = await world.admin.get('/events');
  expect(items.map(({ connection }: { connection: string }) => connection)).toContain(late.connection);
});

test('an event from the future counts as one of now, so that it ends with the others', async () => {
  const made = event({ at: Date.now() + 365 * 86_400_000 });
  await report(made);
  expect(Date.parse((await stored(made.connection)).at)).toBeLessThanOrEqual(Date.now());
});

test('a Client cannot say that a Connector let it through', async () => {
  const lies = { connector: 'con_x', relay: 'rel_x', path: 'relay', resolved: '10.0.0.1', bytes_up: 5 };
  const made = event({ ...lies, network: world.network });
  const opened = event({ ...lies, kind: 'established' });
  await report(made, opened);
  const told = { connector: null, relay: null, path: 'none', resolved: null, bytes_up: 0 };
  expect(await stored(made.connection)).toMatchObject(told);
  expect(await stored(opened.connection)).toBeUndefined();
});

test('text of any kind in an event ends no channel', async () => {
  const made = event({ host: '\u0000\u001b[2J\ud800', client_address: "'; --\u0007" });
  await report(made);
  expect(await stored(made.connection)).toMatchObject({ client_address: "'; --\u0007" });
});

test('a proof by a key that is none is refused, and no fault of ours', async () => {
  const { privateKey } = await makeKeyPair();
  const jwk = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'B'.repeat(43) };
  const proof = await new SignJWT({ jti: nonce(), htm: 'POST', htu: world.url + paths.token })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(privateKey);
  const { status, body } = await (await world.client()).login({ proof });
  expect([status, body.code]).toEqual([401, 'proof_invalid']);
});

test('an ACL that came in part is not taken for the whole, and what is revoked comes first', async () => {
  const large = await TrustWorld.in(world.administration);
  await large.administration.sql(
    `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 6000)
     INSERT INTO resources (tenant_id, id, remote_network_id, name, address, tcp, udp, icmp, created_at, updated_at)
     SELECT ?, printf('res_%026d', value), ?, 'many-' || value, 'host-' || value || '.many.internal', '"all"', '"all"', 1, 1, 1
     FROM n`,
    ...[large.tenantId, large.network],
  );
  const key = await large.key();
  await large.admin.post(`/service-keys/${key.id}/revoke`);
  const agent = await large.connector();
  const first = await large.greetedConnector(agent);
  expect(first.acl.set).toHaveProperty(`revoked:${key.id}`);
  first.channel.close();
  // The channel broke off here: this is all that the Connector has got.
  const again = await large.greetedConnector(agent, { acl_version: first.acl.version });
  expect(again.acl.base).toBeUndefined();
  const set = { ...again.acl.set };
  for (let { version } = again.acl; version < 0; ) {
    const next = await large.nextConnectorAcl(again.channel);
    expect(next.base).toBe(version);
    Object.assign(set, next.set);
    version = next.version;
  }
  expect(Object.keys(set)).toHaveLength(6001);
  again.channel.close();
});

test('an agent cannot have novels stored about itself', async () => {
  for (const novel of [
    { hostname: 'x'.repeat(256) },
    { version: 'x'.repeat(65) },
    { labels: { x: 'x'.repeat(257) } },
  ]) {
    const channel = await (await world.client()).channel();
    channel.hello(novel);
    expect(await channel.closed).toBe(4400);
  }
});

test('a Connector that enrols anew with the key it has is not cut by its own enrolment', async () => {
  const agent = await world.connector();
  const { channel } = await world.greetedConnector(agent);
  const { enrolment_token: token } = await world.admin.post(`/connectors/${agent.subject}/rotate`);
  expect((await enrol(world.url, token, agent.own)).status).toBe(201);
  const again = await world.greetedConnector(agent);
  const { hash } = await world.admin.get(`/connectors/${agent.subject}`);
  const named = 'SELECT id FROM revocations WHERE instr(subject, ?) > 0';
  expect(await world.administration.sql(named, hash)).toEqual([]);
  again.channel.close();
  channel.close();
});

test('a relay learns who was revoked while it was away, and no more of Tenants than that', async () => {
  const { controller } = world.administration;
  const operator = new Admin(controller.url, controller.operatorToken);
  const made = await operator.post('/relays', { name: 'late', url: 'http://127.0.0.1:1' });
  const relay = await FakeAgent.enrol(controller.url, made.enrolment_token);
  const connector = await world.connector();
  await world.admin.post(`/connectors/${connector.subject}/revoke`);
  const channel = await relay.channel();
  channel.hello();
  await channel.take('welcome');
  const { hash } = await world.admin.get(`/connectors/${connector.subject}`);
  expect(await channel.take('revoke')).toMatchObject({ connectors: [hash], jkts: [expect.any(String)] });

  const client = await world.client();
  await client.login();
  const answering = world.admin.post(`/service-keys/${client.subject}/revoke`);
  const order = await channel.take('revoke');
  expect(order).toMatchObject({ keys: [], instances: [], principals: [], jkts: [expect.any(String)] });
  channel.send({ type: 'receipt', revocation: order.revocation, flows_cut: 0, tunnels_cut: 0 });
  expect((await answering).receipt.complete).toBe(true);
  channel.close();
  await operator.delete(`/relays/${made.id}`);
});

// Last: whoever fails after it is told to wait.
test('whoever fails often hinders no valid key with a wrong clock', async () => {
  const nobody = new FakeAgent(world.url, id('serviceKey'), await makeKeyPair(), await makeKeyPair());
  const codes = new Set<string>();
  // Enough for one of the limiter's windows, however they fall.
  for (let round = 0; round < 80; round++) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => nobody.login()));
    for (const { body } of answers) codes.add(body.code);
    if (codes.has('rate_limited')) break;
  }
  expect(codes).toContain('rate_limited');
  const late = await world.client();
  const answered = await late.login({ clockOffMs: -3_600_000 });
  expect(answered.body).toMatchObject({ code: 'clock_skew', now: expect.any(Number) });
});
