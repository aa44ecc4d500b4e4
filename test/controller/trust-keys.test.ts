/**
 * The Tenant's signing keys: published before they sign, kept after they retire, sealed at rest.
 */
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, TrustWorld } from './trust-world.ts';

let world: TrustWorld;

beforeAll(async () => {
  world = await TrustWorld.start();
  await world.grant(await world.resource('db.internal'));
});
afterAll(() => world.stop());

test('rotation overlaps: what the old key signed holds, and verifiers know the new one beforehand', async () => {
  const client = await world.client();
  const before = (await client.login()).body;
  const known = await world.jwks();
  expect(known.keys).toHaveLength(2);

  const { items } = await world.admin.post('/signing-keys/rotate');
  expect(items.map(({ state }: { state: string }) => state).sort()).toEqual(['active', 'next', 'retired']);
  const kidOf = (token: string) => decodeProtectedHeader(token).kid;
  const active = items.find(({ state }: { state: string }) => state === 'active').kid;
  const after = await eventually(
    'the new key signs',
    async () => (await client.login()).body,
    ({ access_token }) => kidOf(access_token) === active,
  );
  expect(kidOf(after.access_token)).not.toBe(kidOf(before.access_token));
  await world.verified('access', after.access_token, { jwks: known });
  await world.verified('access', before.access_token);
  expect((await world.jwks()).keys).toHaveLength(3);

  client.answer = before;
  expect((await client.connections(['x'.repeat(52)])).status).toBe(200);
  expect((await world.admin.get('/signing-keys')).items).toEqual(items);
  const [entry] = (await world.admin.get('/audit')).items;
  expect(entry.action).toBe('tenant.rotate_signing_keys');
});

test('a retired key is published until nothing that it signed lives, then dropped', async () => {
  const { administration } = world;
  const retired = async () =>
    (await world.admin.get('/signing-keys')).items.filter(
      (key: { state: string }) => key.state === 'retired',
    );
  if ((await retired()).length === 0) await world.admin.post('/signing-keys/rotate');
  await administration.controller.clean();
  expect(await retired()).toHaveLength(1);
  await administration.sql(
    "UPDATE signing_keys SET retired_at = ? WHERE state = 'retired'",
    Date.now() - 3_700_000,
  );
  await administration.controller.clean();
  expect(await retired()).toHaveLength(0);
});

test('no private key lies open in the tables or goes out', async () => {
  const rows = await world.administration.sql('SELECT * FROM signing_keys');
  expect(JSON.stringify(rows)).not.toMatch(/PRIVATE|"d":/);
  expect(JSON.stringify(await world.jwks())).not.toContain('"d"');
});

test('each Tenant has keys of its own, and so has the deployment', async () => {
  const other = await TrustWorld.in(world.administration);
  const sets = [
    await world.jwks(),
    await other.jwks(),
    await world.jwks(world.administration.controller.url),
  ].map(({ keys }) => keys.map(({ kid }) => kid));
  expect(new Set(sets.flat()).size).toBe(sets.flat().length);
  const client = await world.client();
  const { body } = await client.login();
  await expect(world.verified('access', body.access_token, { jwks: await other.jwks() })).rejects.toThrow();
});

test('the authorization server describes itself', async () => {
  const metadata = await (await fetch(`${world.url}/.well-known/oauth-authorization-server`)).json();
  expect(metadata).toMatchObject({
    issuer: world.url,
    token_endpoint: `${world.url}/oauth/token`,
    jwks_uri: `${world.url}/.well-known/jwks.json`,
    // People's Clients have no secret of their own (RFC 8252 §8.4).
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
    dpop_signing_alg_values_supported: ['ES256'],
  });
});
