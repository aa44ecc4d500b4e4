/**
 * The life of a Service Key, row by row of its table, over the API; and what surrounds it: the file that is
 * shown once, keys that callers bring, instances, warnings.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serviceKeyFile } from '#schema/control/service-key.ts';
import type { Admin, Answer } from '../world/admin.ts';
import { Administration, problemOf } from './administration.ts';

let world: Administration;
let admin: Admin;
let tenant: { admin: Admin; id: string; slug: string };
let account: string;

beforeAll(async () => {
  world = await Administration.start();
  tenant = await world.tenant();
  admin = tenant.admin;
  account = (await admin.post('/service-accounts', { name: 'ci' })).id;
});
afterAll(() => world.stop());

const day = 24 * 3_600_000;
const create = (body: Record<string, unknown> = {}): Promise<Answer> =>
  admin.post(`/service-accounts/${account}/keys`, { name: 'key', ...body });
const expire = (id: string) =>
  world.sql('UPDATE service_keys SET expires_at = ? WHERE id = ?', Date.now() - 1, id);

describe('creation', () => {
  test('gives the file once, for 365 days, and keeps the public half alone', async () => {
    const made = await create();
    const file = serviceKeyFile.parse(made.service_key);
    expect(file).toMatchObject({
      network: admin.url,
      service_account_id: account,
      key_id: made.id,
      login_path: '/oauth/token',
      expires_at: made.expires_at,
    });
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBe(365 * day);
    expect(await admin.get(`/service-keys/${made.id}`)).not.toHaveProperty('service_key');

    const secret = file.private_key.split('\n')[1]!;
    for (const table of ['service_keys', 'audit_entries', 'idempotency_keys']) {
      expect(JSON.stringify(await world.sql(`SELECT * FROM ${table}`))).not.toContain(secret);
    }
    expect(world.logs.join('\n')).not.toContain(secret);
  });

  test('may be without an end, or end on another day', async () => {
    const unlimited = await create({ expires_in_days: null });
    expect(unlimited).toMatchObject({ expires_at: null, service_key: { expires_at: null } });
    const short = await create({ expires_in_days: 1 });
    expect(Date.parse(short.expires_at) - Date.parse(short.created_at)).toBe(day);
  });

  test.each([0, -1, 1.5, '7'])('refuses to end after %j days', async (expires_in_days) =>
    expect(await problemOf(create({ expires_in_days }))).toMatchObject({ code: 'validation_failed' }),
  );

  test('takes a public key that the caller brings, and gives the file without the private half', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    const made = await create({ public_key: { kty, crv, x, y } });
    expect(made.state).toBe('active');
    const pem = '-----BEGIN PRIVATE KEY-----\n';
    expect(made.service_key).not.toHaveProperty('private_key');
    expect(serviceKeyFile.parse({ ...made.service_key, private_key: pem })).toMatchObject({
      network: admin.url,
      service_account_id: account,
      key_id: made.id,
      expires_at: made.expires_at,
    });
  });

  test('refuses a private key, another curve, and what is no point on the curve', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
    const whole = await crypto.subtle.exportKey('jwk', pair.privateKey);
    const other = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign']);
    const wide = await crypto.subtle.exportKey('jwk', other.publicKey);
    const { kty, crv, x } = whole;
    for (const public_key of [whole, wide, { kty, crv, x, y: x }, {}]) {
      expect(await problemOf(create({ public_key }))).toMatchObject({
        status: 422,
        code: 'public_key_invalid',
      });
    }
  });
});

describe('active', () => {
  test('is the state of a new key, and allows to revoke and to rename', async () => {
    const { id, state, allowed } = await create();
    expect({ state, allowed }).toEqual({ state: 'active', allowed: ['revoke', 'rename'] });
    expect(await admin.patch(`/service-keys/${id}`, { name: 'renamed' })).toMatchObject({
      name: 'renamed',
      state: 'active',
    });
  });

  test('may not be deleted', async () => {
    const { id } = await create();
    expect(await problemOf(admin.delete(`/service-keys/${id}`))).toMatchObject({
      status: 409,
      code: 'illegal_transition',
      state: 'active',
      allowed: ['revoke', 'rename'],
    });
  });

  test('keeps its expiry whatever is asked', async () => {
    const { id } = await create();
    expect(await problemOf(admin.patch(`/service-keys/${id}`, { expires_in_days: 9 }))).toMatchObject({
      code: 'validation_failed',
    });
    expect(
      await problemOf(admin.patch(`/service-keys/${id}`, { name: 'x', expires_at: null })),
    ).toMatchObject({ code: 'validation_failed' });
  });
});

describe('revoked', () => {
  test('comes with a receipt and is final', async () => {
    const { id } = await create();
    const revoked = await admin.post(`/service-keys/${id}/revoke`);
    expect(revoked).toMatchObject({
      state: 'revoked',
      allowed: ['delete'],
      receipt: { complete: true, flows_cut: 0 },
    });
    expect(revoked.receipt.revocation).toMatch(/^rvk_/);
    for (const again of [
      () => admin.post(`/service-keys/${id}/revoke`),
      () => admin.patch(`/service-keys/${id}`, { name: 'no' }),
    ]) {
      expect(await problemOf(again())).toMatchObject({
        status: 409,
        code: 'illegal_transition',
        state: 'revoked',
        allowed: ['delete'],
      });
    }
  });

  test('may be deleted, and is then gone for good', async () => {
    const { id } = await create();
    await admin.post(`/service-keys/${id}/revoke`);
    await admin.delete(`/service-keys/${id}`);
    for (const request of [
      () => admin.get(`/service-keys/${id}`),
      () => admin.patch(`/service-keys/${id}`, { name: 'x' }),
      () => admin.post(`/service-keys/${id}/revoke`),
      () => admin.delete(`/service-keys/${id}`),
    ]) {
      expect(await problemOf(request())).toMatchObject({ status: 404, code: 'not_found' });
    }
  });

  test('orders the cut of the key and of each instance behind it', async () => {
    const { id } = await create();
    await instance('ins_a', id);
    const { receipt } = await admin.post(`/service-keys/${id}/revoke`);
    const [row] = await world.sql<{ subject: string }>(
      'SELECT subject FROM revocations WHERE id = ?',
      receipt.revocation,
    );
    expect(JSON.parse(row!.subject)).toMatchObject({ keys: [id], jkts: ['jkt-ins_a'] });
  });
});

describe('expired', () => {
  test('comes by time alone and allows only to delete', async () => {
    const { id } = await create();
    await expire(id);
    expect(await admin.get(`/service-keys/${id}`)).toMatchObject({ state: 'expired', allowed: ['delete'] });
    for (const request of [
      () => admin.post(`/service-keys/${id}/revoke`),
      () => admin.patch(`/service-keys/${id}`, { name: 'x' }),
    ]) {
      expect(await problemOf(request())).toMatchObject({
        status: 409,
        code: 'illegal_transition',
        state: 'expired',
        allowed: ['delete'],
      });
    }
    await admin.delete(`/service-keys/${id}`);
    expect(await problemOf(admin.get(`/service-keys/${id}`))).toMatchObject({ code: 'not_found' });
  });

  test('a revoked key that then expires stays revoked', async () => {
    const { id } = await create();
    await admin.post(`/service-keys/${id}/revoke`);
    await expire(id);
    expect(await admin.get(`/service-keys/${id}`)).toMatchObject({ state: 'revoked' });
  });
});

test('an account has any number of keys, oldest first', async () => {
  const { id } = await admin.post('/service-accounts', { name: 'many keys' });
  const made: string[] = [];
  for (let i = 0; i < 3; i++) {
    made.push((await admin.post(`/service-accounts/${id}/keys`, { name: `k${i}` })).id);
  }
  const listed = await admin.get(`/service-accounts/${id}/keys`);
  expect(listed.items.map((key: Answer) => key.id)).toEqual(made);
});

describe('instances', () => {
  test('are listed under their key and revoked one by one', async () => {
    const { id } = await create();
    await instance('ins_b', id);
    await instance('ins_c', id);
    const { items } = await admin.get(`/service-keys/${id}/instances`);
    expect(items.map((one: Answer) => [one.id, one.live])).toEqual([
      ['ins_b', false],
      ['ins_c', false],
    ]);
    const revoked = await admin.post('/instances/ins_b/revoke');
    expect(revoked).toMatchObject({ id: 'ins_b', live: false, receipt: { complete: true } });
    expect(revoked.revoked_at).not.toBeNull();
    expect(await problemOf(admin.post('/instances/ins_b/revoke'))).toMatchObject({
      code: 'illegal_transition',
      state: 'revoked',
      allowed: [],
    });
    expect(await admin.get(`/service-keys/${id}`)).toMatchObject({ state: 'active' });
    expect((await admin.get(`/service-keys/${id}/instances?live=true`)).items).toEqual([]);
  });
});

describe('warnings', () => {
  const codes = async (id: string) =>
    (await admin.get(`/service-accounts/${id}`)).warnings.map((warning: Answer) => warning.code);

  test('name an account without Resources, idle keys and too many keys', async () => {
    const { id } = await admin.post('/service-accounts', { name: 'warned' });
    expect(await codes(id)).toEqual(['no_resources']);
    const key = await admin.post(`/service-accounts/${id}/keys`, { name: 'idle' });
    await world.sql('UPDATE service_keys SET created_at = ? WHERE id = ?', Date.now() - 31 * day, key.id);
    for (let i = 0; i < 10; i++) await admin.post(`/service-accounts/${id}/keys`, { name: `k${i}` });
    expect(await codes(id)).toEqual(['key_unused', 'too_many_active_keys', 'no_resources']);
    await world.sql('UPDATE service_keys SET last_used_at = ? WHERE id = ?', Date.now() - day, key.id);
    expect(await codes(id)).toEqual(['too_many_active_keys', 'no_resources']);
  });
});

async function instance(id: string, key: string): Promise<void> {
  await world.sql(
    'INSERT INTO instances (tenant_id, id, principal_id, key_id, jkt, started_at) VALUES (?, ?, ?, ?, ?, ?)',
    ...[tenant.id, id, account, key, `jkt-${id}`, Date.now()],
  );
}
