/**
 * Login of a Service: who gets in, with what, and what whoever does not get in is told.
 */
import { calculateJwkThumbprint, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paths } from '#schema/control/login.ts';
import { FakeAgent, makeKeyPair } from '../fake/agent.ts';
import { TrustWorld } from './trust-world.ts';

let world: TrustWorld;
let resource: string;

beforeAll(async () => {
  world = await TrustWorld.start();
  resource = await world.resource('db.internal');
  await world.grant(resource);
});
afterAll(() => world.stop());

const sql = (text: string, ...values: unknown[]) => world.administration.sql(text, ...values);

describe('a Service Key that stands', () => {
  test('gets an access token, an ACL and connection tokens, all bound to the instance', async () => {
    const connector = await world.connector();
    await connector.login();
    const { hash } = connector.answer!.connector!;
    const client = await world.client();
    const { status, body, headers } = await client.login({ form: { hostname: 'host-7', version: '1.2.3' } });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    const jkt = await calculateJwkThumbprint(client.instance.publicJwk);

    const access = await world.verified('access', body.access_token, { audience: world.url });
    expect(access).toMatchObject({
      role: 'client',
      sub: world.service,
      client_id: client.subject,
      cnf: { jkt },
    });
    expect(decodeProtectedHeader(body.access_token).typ).toBe('at+jwt');

    const { acl, connectors } = body.client.networks[world.network];
    expect(connectors).toEqual([{ hash, relays: ['rel_edge'] }]);
    const said = await world.verified('clientAcl', acl, { audience: world.network });
    expect(said).toMatchObject({
      sub: world.service,
      key: client.subject,
      instance: body.client.instance,
      cnf: { jkt },
    });
    expect(said.acl.resources).toEqual([
      { id: resource, address: 'db.internal', tcp: 'all', udp: 'all', icmp: true },
    ]);
    expect(said.acl.version).toBe(body.client.acl_version);
    expect(said.exp - said.iat).toBe(3600);

    const met = await world.verified('connection', body.client.connections[hash], { audience: hash });
    expect(met).toMatchObject({ cnf: { jkt } });
    expect(Object.keys(met).sort()).toEqual(['aud', 'cnf', 'exp', 'iat', 'iss', 'jti']);

    const [row] = await sql('SELECT * FROM instances WHERE id = ?', body.client.instance);
    expect(row).toMatchObject({ jkt, hostname: 'host-7', version: '1.2.3', public_address: '127.0.0.1' });
    const key = await world.admin.get(`/service-keys/${client.subject}`);
    expect(Date.now() - Date.parse(key.last_used_at)).toBeLessThan(60_000);
  });

  test('may be used by any number of instances at once, and each keeps its id', async () => {
    const key = await world.key();
    const clients = await Promise.all(Array.from({ length: 150 }, () => world.client(key)));
    const answers = await Promise.all(clients.map((client) => client.login()));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const ids = new Set(answers.map(({ body }) => body.client.instance));
    expect(ids.size).toBe(150);
    expect((await clients[0]!.login()).body.client.instance).toBe(answers[0]!.body.client.instance);
  });

  test('outlives nothing: tokens end with the key', async () => {
    const key = await world.key({ expires_in_days: 1 });
    const expiresAt = Date.now() + 600_000;
    await sql('UPDATE service_keys SET expires_at = ? WHERE id = ?', expiresAt, key.id);
    const client = await world.client(key);
    const { body } = await client.login();
    expect(body.expires_in).toBeLessThanOrEqual(600);
    const said = await world.verified('clientAcl', body.client.networks[world.network].acl);
    expect(said.exp).toBe(Math.floor(expiresAt / 1000));
    expect(body.client.key_expires_at).toBe(new Date(expiresAt).toISOString());
  });
});

describe('a credential that is dead', () => {
  test('is told so, once its signature holds', async () => {
    const revoked = await world.client();
    await world.admin.post(`/service-keys/${revoked.subject}/revoke`);
    expect((await revoked.login()).body).toMatchObject({ status: 401, code: 'key_revoked', retry: false });

    const expired = await world.client();
    await sql('UPDATE service_keys SET expires_at = ? WHERE id = ?', Date.now() - 1, expired.subject);
    expect((await expired.login()).body).toMatchObject({ status: 401, code: 'key_expired' });

    const deleted = await world.client();
    await world.admin.post(`/service-keys/${deleted.subject}/revoke`);
    await world.admin.delete(`/service-keys/${deleted.subject}`);
    expect((await deleted.login()).body).toMatchObject({ status: 401, code: 'credential_unknown' });
  });

  test('says nothing to somebody else: a forged assertion is like one for a key that never was', async () => {
    const { privateKey: signWith } = await makeKeyPair();
    const telling = ({ body }: { body: Record<string, unknown> }) => {
      const { request_id: _, now: __, ...rest } = body;
      return rest;
    };
    const never = await FakeAgent.client(world.url, `key_${'0'.repeat(26)}`, await makeKeyPair());
    const expected = telling(await never.login());
    expect(expected).toMatchObject({ status: 401, code: 'credential_unknown' });

    const alive = await world.client();
    expect(telling(await alive.login({ signWith }))).toEqual(expected);
    const revoked = await world.client();
    await world.admin.post(`/service-keys/${revoked.subject}/revoke`);
    expect(telling(await revoked.login({ signWith }))).toEqual(expected);

    const otherTenant = await TrustWorld.in(world.administration);
    const stranger = await FakeAgent.client(otherTenant.url, alive.subject, alive.own);
    expect(telling(await stranger.login())).toEqual(expected);
    expect(world.administration.logs.join('\n')).toContain('signature verification failed');
  });
});

describe('an assertion or proof', () => {
  test('works once', async () => {
    const client = await world.client();
    const assertion = await client.assertion();
    expect((await client.login({ assertion })).status).toBe(200);
    expect((await client.login({ assertion })).body).toMatchObject({ status: 401, code: 'token_replayed' });
    const proof = await client.proof('POST', paths.token);
    expect((await client.login({ proof })).status).toBe(200);
    expect((await client.login({ proof })).body.code).toBe('token_replayed');
  });

  test('is for this Tenant’s token endpoint, of its own kind and short-lived', async () => {
    const client = await world.client();
    const iat = Math.floor(Date.now() / 1000);
    const code = async (change: Parameters<FakeAgent['login']>[0]) => (await client.login(change)).body.code;
    expect(await code({ claims: { aud: 'https://elsewhere.example/oauth/token' } })).toBe(
      'credential_rejected',
    );
    expect(await code({ claims: { aud: world.url } })).toBe('credential_rejected');
    expect(await code({ header: { typ: 'JWT' } })).toBe('credential_unknown');
    expect(await code({ header: { typ: 'at+jwt' } })).toBe('credential_unknown');
    expect(await code({ claims: { iss: `key_${'0'.repeat(26)}` } })).toBe('credential_unknown');
    expect(await code({ claims: { exp: iat + 3600 } })).toBe('credential_unknown');
    expect(await code({ claims: { jti: undefined } })).toBe('credential_unknown');
    expect(await code({ assertion: 'not.a.jwt' })).toBe('credential_rejected');
    expect(await code({ proof: await client.proof('GET', paths.token) })).toBe('proof_invalid');
    expect(await code({ proof: await client.proof('POST', paths.enrol) })).toBe('proof_invalid');
    expect(await code({ form: { grant_type: 'password' } })).toBe('bad_request');
  });

  test('of a clock ten minutes off is told the Controller’s time', async () => {
    const client = await world.client();
    for (const clockOffMs of [-600_000, 600_000]) {
      const { body } = await client.login({ clockOffMs });
      expect(body).toMatchObject({ status: 401, code: 'clock_skew', retry: true });
      expect(Math.abs(body.now - Date.now())).toBeLessThan(5_000);
    }
    const late = await client.proof('POST', paths.token, { clockOffMs: -600_000 });
    expect((await client.login({ proof: late })).body).toMatchObject({ code: 'clock_skew' });
  });
});

describe('an access token', () => {
  test('opens connections to the Connectors of granted Remote Networks alone', async () => {
    const elsewhere = (await world.admin.post('/remote-networks', { name: 'elsewhere' })).id;
    const [near, far] = [await world.connector(), await world.connector(elsewhere)];
    const hashes = await Promise.all(
      [near, far].map(async (agent) => (await agent.login()).body.connector.hash as string),
    );
    const client = await world.client();
    await client.login();
    const { status, body } = await client.connections([...hashes, 'x'.repeat(52)]);
    expect(status).toBe(200);
    expect(Object.keys(body.connections)).toEqual([hashes[0]]);
    await world.verified('connection', body.connections[hashes[0]!], { audience: hashes[0]! });
  });

  test('is worth nothing without its key, after its key was revoked, or at another Tenant', async () => {
    const client = await world.client();
    await client.login();
    const thief = await FakeAgent.client(world.url, client.subject, client.own);
    thief.answer = client.answer;
    expect((await thief.connections(['x'])).body).toMatchObject({ status: 401, code: 'proof_invalid' });

    const other = await TrustWorld.in(world.administration);
    const abroad = new FakeAgent(other.url, client.subject, client.own, client.instance);
    abroad.answer = client.answer;
    expect((await abroad.connections(['x'])).body).toMatchObject({ status: 401, code: 'token_invalid' });

    await world.admin.post(`/service-keys/${client.subject}/revoke`);
    expect((await client.connections(['x'])).body).toMatchObject({ status: 401, code: 'key_revoked' });
  });
});

test('many failures are slowed down, a valid login among them is not', async () => {
  const forged = await world.client();
  const { privateKey: signWith } = await makeKeyPair();
  const statuses = new Set<number>();
  // 300 in a minute are let through, and a minute may end among them.
  for (let i = 0; i < 601 && !statuses.has(429); i++) statuses.add((await forged.login({ signWith })).status);
  expect(statuses).toEqual(new Set([401, 429]));
  expect((await (await world.client()).login()).status).toBe(200);
});
