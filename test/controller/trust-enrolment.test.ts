/**
 * Enrolment: the one time that a token stands for a Connector or relay, and what a new key does to the old.
 */
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectorHashOf } from '#schema/ids.ts';
import { enrol, FakeAgent, makeKeyPair } from '../fake/agent.ts';
import { Admin } from '../world/admin.ts';
import { eventually, TrustWorld } from './trust-world.ts';

let world: TrustWorld;

beforeAll(async () => {
  world = await TrustWorld.start();
});
afterAll(() => world.stop());

const sql = (text: string, ...values: unknown[]) => world.administration.sql(text, ...values);

describe('a Connector', () => {
  test('enrols with its token once and is known by its key from then on', async () => {
    const { id, token } = await world.connectorToken();
    const key = await makeKeyPair();
    const { status, body } = await enrol(world.url, token, key, { labels: { site: 'a' } });
    const publicKey = await crypto.subtle.importKey(
      'jwk',
      key.publicJwk,
      { name: 'ECDSA', namedCurve: 'P-256' },
      true,
      ['verify'],
    );
    const hash = await connectorHashOf(new Uint8Array(await crypto.subtle.exportKey('spki', publicKey)));
    expect({ status, body }).toEqual({ status: 201, body: { id, hash, tenant_url: world.url } });
    expect(await world.admin.get(`/connectors/${id}`)).toMatchObject({
      version: '0.1.0',
      hostname: 'host-1',
    });

    const login = await new FakeAgent(world.url, id, key, key).login();
    expect(login.body.connector).toMatchObject({ hash, network: world.network });
    const registration = await world.verified('registration', login.body.connector.registration);
    expect(registration).toMatchObject({ aud: 'sallyport:relay', sub: hash });

    const again = await enrol(world.url, token, await makeKeyPair());
    expect(again.body).toMatchObject({ status: 410, code: 'enrolment_used', retry: false });
    expect((await enrol(world.url, token, key)).body.code).toBe('enrolment_used');
  });

  test('is one of two who came with one token at the same time', async () => {
    const { id, token } = await world.connectorToken();
    const keys = await Promise.all(Array.from({ length: 8 }, makeKeyPair));
    const outcomes = await Promise.all(keys.map((key) => enrol(world.url, token, key)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(410)]);
    const winner = outcomes.findIndex(({ status }) => status === 201);
    const [row] = await sql('SELECT hash FROM connectors WHERE id = ?', id);
    expect(row).toEqual({ hash: outcomes[winner]!.body.hash });
  });

  test('is refused with a token that ended, is unknown or is another Tenant’s, and without proof', async () => {
    const ended = await world.connectorToken();
    await sql('UPDATE enrolment_tokens SET expires_at = ? WHERE connector_id = ?', Date.now() - 1, ended.id);
    const code = async (...args: Parameters<typeof enrol>) => (await enrol(...args)).body.code;
    const key = await makeKeyPair();
    expect(await code(world.url, ended.token, key)).toBe('enrolment_expired');
    expect(await code(world.url, `spe_${'x'.repeat(43)}`, key)).toBe('enrolment_unknown');
    const { token } = await world.connectorToken();
    const other = await TrustWorld.in(world.administration);
    expect(await code(other.url, token, key)).toBe('enrolment_unknown');
    const forged = { ...key, privateKey: (await makeKeyPair()).privateKey };
    expect(await code(world.url, token, forged)).toBe('proof_invalid');
    expect(await code(world.url, token, key, { public_key: { kty: 'RSA' } })).toBe('public_key_invalid');
    const { publicKey } = await generateKeyPair('ES384', { extractable: true });
    const jwk = await crypto.subtle.exportKey('jwk', publicKey);
    expect(await code(world.url, token, key, { public_key: jwk })).toBe('public_key_invalid');
    expect((await enrol(world.url, token, key)).status).toBe(201);
  });

  test('that enrols anew after a rotation has a new ID; the old key is cut and opens nothing', async () => {
    const { id, token } = await world.connectorToken();
    const old = await FakeAgent.enrol(world.url, token);
    const { channel } = await world.greetedConnector(old);
    const oldHash = old.answer!.connector!.hash;

    const rotated = await world.admin.post(`/connectors/${id}/rotate`);
    const fresh = await FakeAgent.enrol(world.url, rotated.enrolment_token);
    expect(fresh.subject).toBe(id);
    const order = await channel.take('revoke');
    expect(order.connectors).toEqual([oldHash]);
    channel.send({ type: 'receipt', revocation: order.revocation, flows_cut: 0, tunnels_cut: 1 });
    expect(await channel.take('refused')).toMatchObject({ code: 'connector_revoked', retry: false });
    expect(await channel.closed).toBe(4401);
    expect((await old.login()).body.code).toBe('credential_unknown');
    expect((await fresh.login()).body.connector.hash).not.toBe(oldHash);
    await eventually(
      'the receipt is on record',
      () => sql('SELECT receipt FROM revocations WHERE id = ?', order.revocation),
      ([row]) => JSON.parse(String(row?.['receipt'])).complete === true,
    );
  });

  test('that was revoked neither enrols nor logs in', async () => {
    const agent = await world.connector();
    await world.admin.post(`/connectors/${agent.subject}/revoke`);
    expect((await agent.login()).body.code).toBe('connector_revoked');
    const waiting = await world.connectorToken();
    await world.admin.post(`/connectors/${waiting.id}/revoke`);
    expect((await enrol(world.url, waiting.token, await makeKeyPair())).body.code).toBe('enrolment_unknown');
  });

  test('cannot take the key of another one', async () => {
    const key = await makeKeyPair();
    expect((await enrol(world.url, (await world.connectorToken()).token, key)).status).toBe(201);
    const second = await world.connectorToken();
    expect((await enrol(world.url, second.token, key)).body).toMatchObject({ status: 409, code: 'in_use' });
    expect((await enrol(world.url, second.token, await makeKeyPair())).status).toBe(201);
  });
});

describe('a relay', () => {
  test('enrols at the deployment, is listed, and is gone when it is deleted', async () => {
    const { controller } = world.administration;
    const operator = new Admin(controller.url, controller.operatorToken);
    const made = await operator.post('/relays', { name: 'relay-1', url: 'http://127.0.0.1:1' });
    expect((await enrol(world.url, made.enrolment_token, await makeKeyPair())).body.code).toBe(
      'enrolment_unknown',
    );
    const connector = await world.connector();
    const { channel: listening } = await world.greetedConnector(connector);

    const relay = await FakeAgent.enrol(controller.url, made.enrolment_token);
    expect((await enrol(controller.url, made.enrolment_token, await makeKeyPair())).body.code).toBe(
      'enrolment_used',
    );
    const { relays } = await listening.take('relay_list');
    expect(relays.map(({ id }: { id: string }) => id)).toEqual([made.id, 'rel_edge']);

    const channel = await relay.channel();
    channel.hello();
    expect((await channel.take('welcome')).relays).toEqual(relays);
    expect(relay.answer).toMatchObject({ relays });
    expect((await relay.login()).body.client).toBeUndefined();

    await operator.delete(`/relays/${made.id}`);
    expect(await channel.take('refused')).toMatchObject({ code: 'relay_revoked' });
    expect((await listening.take('relay_list')).relays).toHaveLength(1);
    expect((await relay.login()).status).toBe(401);
  });
});
