/**
 * Tenants are apart: by their tokens, their addresses and their rows. And the operator, who makes them,
 * is nobody inside them.
 */
import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tables from '#schema/db/tables.ts';
import type { Admin, Answer } from '../world/admin.ts';
import { Administration, json, problemOf } from './administration.ts';

let world: Administration;
let a: { admin: Admin; id: string; slug: string };
let b: { admin: Admin; id: string; slug: string };

beforeAll(async () => {
  world = await Administration.start();
  a = await world.tenant();
  b = await world.tenant();
});
afterAll(() => world.stop());

/** One of each noun. */
async function furnish(admin: Admin, tenant: string): Promise<Record<string, string>> {
  const network = await admin.post('/remote-networks', { name: 'office' });
  const connector = await admin.post('/connectors', { name: 'c', remote_network_id: network.id });
  const resource = await admin.post('/resources', {
    name: 'db',
    remote_network_id: network.id,
    address: 'db.internal',
    alias: 'db.corp.int',
  });
  const account = await admin.post('/service-accounts', { name: 'ci' });
  const key = await admin.post(`/service-accounts/${account.id}/keys`, { name: 'k' });
  const grant = await admin.post('/grants', { resource_id: resource.id, service_account_id: account.id });
  const token = await admin.post('/api-tokens', { name: 't', scopes: ['events:read'] });
  const instance = `ins_of_${tenant}`;
  await world.sql(
    'INSERT INTO instances (tenant_id, id, principal_id, key_id, jkt, started_at) VALUES (?, ?, ?, ?, ?, ?)',
    ...[tenant, instance, account.id, key.id, 'jkt', Date.now()],
  );
  await world.sql(
    `INSERT INTO events (tenant_id, id, at, kind, reporter, connection, protocol, host, path, bytes_up, bytes_down, duration_ms)
     VALUES (?, ?, ?, 'closed', 'con_x', 'cnx_1', 'tcp', 'db.internal', 'relay', 1, 2, 3)`,
    ...[tenant, `evt_of_${tenant}`, Date.now()],
  );
  return {
    network: network.id,
    connector: connector.id,
    resource: resource.id,
    account: account.id,
    key: key.id,
    grant: grant.id,
    token: token.id,
    instance,
  };
}

describe('one Tenant inside another', () => {
  let theirs: Record<string, string>;
  let mine: Record<string, string>;
  beforeAll(async () => {
    theirs = await furnish(b.admin, b.id);
    mine = await furnish(a.admin, a.id);
  });

  test('every id of the other Tenant is unknown, whatever is asked of it', async () => {
    const { network, connector, resource, account, key, grant, token, instance } = theirs;
    const requests: [string, string, unknown?][] = [
      ['GET', `/remote-networks/${network}`],
      ['PATCH', `/remote-networks/${network}`, { name: 'mine' }],
      ['DELETE', `/remote-networks/${network}`],
      ['GET', `/connectors/${connector}`],
      ['PATCH', `/connectors/${connector}`, { name: 'mine' }],
      ['POST', `/connectors/${connector}/rotate`],
      ['POST', `/connectors/${connector}/revoke`],
      ['DELETE', `/connectors/${connector}`],
      ['GET', `/resources/${resource}`],
      ['PATCH', `/resources/${resource}`, { name: 'mine' }],
      ['DELETE', `/resources/${resource}`],
      ['GET', `/service-accounts/${account}`],
      ['PATCH', `/service-accounts/${account}`, { name: 'mine' }],
      ['DELETE', `/service-accounts/${account}`],
      ['POST', `/service-accounts/${account}/keys`, { name: 'mine' }],
      ['GET', `/service-accounts/${account}/keys`],
      ['GET', `/service-keys/${key}`],
      ['PATCH', `/service-keys/${key}`, { name: 'mine' }],
      ['POST', `/service-keys/${key}/revoke`],
      ['DELETE', `/service-keys/${key}`],
      ['GET', `/service-keys/${key}/instances`],
      ['POST', `/instances/${instance}/revoke`],
      ['GET', `/grants/${grant}`],
      ['DELETE', `/grants/${grant}`],
      ['GET', `/api-tokens/${token}`],
      ['PATCH', `/api-tokens/${token}`, { name: 'mine' }],
      ['POST', `/api-tokens/${token}/revoke`],
      ['DELETE', `/api-tokens/${token}`],
      ['POST', '/connectors', { name: 'x', remote_network_id: network }],
      ['POST', '/resources', { name: 'x', remote_network_id: network, address: 'x.internal' }],
      ['PATCH', `/resources/${mine['resource']}`, { remote_network_id: network }],
      ['POST', '/grants', { resource_id: resource, service_account_id: mine['account'] }],
      ['POST', '/grants', { resource_id: mine['resource'], service_account_id: account }],
    ];
    const before = await snapshot(b.id);
    for (const [method, path, body] of requests) {
      const answer = await world.ask(method, `/api/v1${path}`, {
        ...(body === undefined ? {} : json(body)),
        token: a.admin.token,
      });
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 404, 'not_found']);
    }
    expect(await snapshot(b.id)).toEqual(before);
  });

  test('lists show what is one’s own alone', async () => {
    for (const path of [
      ...['/remote-networks', '/connectors', '/resources', '/service-accounts', '/grants'],
      ...['/api-tokens', '/events', '/audit'],
    ]) {
      const [ofA, ofB] = [await a.admin.get(`${path}?limit=200`), await b.admin.get(`${path}?limit=200`)];
      const ids = new Set(ofA.items.map((item: Answer) => item.id));
      expect([path, ofA.items.length > 0, ofB.items.length > 0]).toEqual([path, true, true]);
      expect(ofB.items.filter((item: Answer) => ids.has(item.id))).toEqual([]);
    }
  });

  test('names, addresses and aliases of one do not stand in the way of the other', () => {
    expect(mine['resource']).not.toBe(theirs['resource']);
  });

  test('a token is worth nothing at the other Tenant’s address', async () => {
    const answer = await world.ask('GET', `/t/${b.slug}/api/v1/tenant`, { token: a.admin.token });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  /** All rows of the Tenant, but for the note that a token was used. */
  async function snapshot(tenant: string): Promise<string> {
    const owned = Object.values(tables).filter(
      (table) => is(table, SQLiteTable) && 'tenantId' in getTableColumns(table),
    );
    expect(owned.length).toBeGreaterThan(12);
    const rows: unknown[] = [];
    for (const name of owned.map((table) => getTableName(table as SQLiteTable))) {
      const found = await world.sql(`SELECT * FROM ${name} WHERE tenant_id = ?`, tenant);
      rows.push([name, found.map((row) => ({ ...row, last_used_at: null }))]);
    }
    return JSON.stringify(rows);
  }
});

describe('the address of a Tenant', () => {
  test('is its path, or none, where the token names it', async () => {
    const path = await world.ask('GET', `/t/${a.slug}/api/v1/tenant`, { token: a.admin.token });
    const bare = await world.ask('GET', '/api/v1/tenant', { token: a.admin.token });
    expect(path.body).toEqual(bare.body);
    expect(bare.body).toMatchObject({ id: a.id, slug: a.slug, url: `${world.controller.url}/t/${a.slug}` });
  });

  test('may be a host name', async () => {
    const hostname = `access-${process.pid}.example.com`;
    const made = await world.operator.post('/tenants', { slug: 'hosted', hostname });
    expect(made.url).toBe(`https://${hostname}`);
    const { port } = new URL(world.controller.url);
    const at = (token: string) => fetchAs(hostname, port, '/api/v1/tenant', token);
    expect(await at(made.api_token.token)).toMatchObject({ status: 200, body: { slug: 'hosted' } });
    expect(await at(a.admin.token)).toMatchObject({ status: 401 });
    expect(await problemOf(world.operator.post('/tenants', { slug: 'other', hostname }))).toMatchObject({
      code: 'name_taken',
    });
  });

  test('of nobody is 404 tenant_unknown', async () => {
    const answer = await world.ask('GET', '/t/nobody/api/v1/tenant', { token: a.admin.token });
    expect(answer).toMatchObject({ status: 404, body: { code: 'tenant_unknown' } });
  });
});

describe('the operator', () => {
  test('makes, lists and changes Tenants; a slug is taken once', async () => {
    const listed = await world.operator.get('/tenants?limit=200');
    expect(listed.items.map((tenant: Answer) => tenant.id)).toEqual(expect.arrayContaining([a.id, b.id]));
    const changed = await world.operator.patch(`/tenants/${a.id}`, {
      name: 'Acme',
      staleness_budget_seconds: 60,
    });
    expect(changed).toMatchObject({ name: 'Acme', staleness_budget_seconds: 60 });
    expect(await problemOf(world.operator.post('/tenants', { slug: a.slug }))).toMatchObject({
      status: 409,
      code: 'name_taken',
    });
    expect(await problemOf(world.operator.post('/tenants', { slug: 'No Slug' }))).toMatchObject({
      status: 422,
    });
  });

  test('gives a Tenant its signing key with it', async () => {
    const keys = await world.sql('SELECT state FROM signing_keys WHERE tenant_id = ?', a.id);
    expect(keys.map(({ state }) => state)).toContain('active');
  });

  test('can let a Tenant back in that lost its tokens', async () => {
    const { token } = await world.operator.post(`/tenants/${b.id}/api-tokens`, { scopes: ['tokens:*'] });
    const answer = await world.ask('GET', '/api/v1/api-tokens', { token });
    expect(answer.status).toBe(200);
  });

  test('makes relays with a one-time token, and removes them', async () => {
    const made = await world.operator.post('/relays', { name: 'r1', url: 'https://relay.example/' });
    expect(made).toMatchObject({
      url: 'https://relay.example',
      carriers: ['raw', 'websocket'],
      state: 'not_enrolled',
    });
    expect(made.enrolment_token).toMatch(/^spe_[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify(await world.sql('SELECT * FROM relays'))).not.toContain(made.enrolment_token);
    expect(
      await problemOf(world.operator.post('/relays', { name: 'r1', url: 'https://x.example' })),
    ).toMatchObject({ code: 'name_taken' });
    expect(await problemOf(world.operator.post('/relays', { name: 'r2', url: 'ftp://x' }))).toMatchObject({
      code: 'validation_failed',
    });
    await world.operator.delete(`/relays/${made.id}`);
    expect((await world.operator.get('/relays')).items).toEqual([]);
  });

  test('is nobody in a Tenant, and a Tenant’s token is nobody to the deployment', async () => {
    const { operatorToken } = world.controller;
    expect((await world.ask('GET', '/api/v1/resources', { token: operatorToken })).status).toBe(401);
    expect((await world.ask('GET', '/api/v1/tenants', { token: a.admin.token })).status).toBe(401);
    expect((await world.ask('GET', `/t/${a.slug}/api/v1/tenants`, { token: operatorToken })).status).toBe(
      404,
    );
  });
});

describe('API tokens', () => {
  test.each([
    ['none', undefined],
    ['nonsense', 'nonsense'],
    ['one that never was', `spt_${'A'.repeat(43)}`],
  ])('%s: 401 with a challenge', async (_, token) => {
    const answer = await world.ask('GET', '/api/v1/tenant', token === undefined ? {} : { token });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(answer.body.detail).toBeUndefined();
  });

  test('are kept as a hash, and shown once', async () => {
    const made = await a.admin.post('/api-tokens', { name: 'once', scopes: ['*'] });
    expect(made.token).toMatch(/^spt_[A-Za-z0-9_-]{43}$/);
    expect(await a.admin.get(`/api-tokens/${made.id}`)).not.toHaveProperty('token');
    for (const table of ['api_tokens', 'audit_entries']) {
      expect(JSON.stringify(await world.sql(`SELECT * FROM ${table}`))).not.toContain(made.token);
    }
  });

  test('stop working when revoked, deleted or expired', async () => {
    const works = async (token: string) => (await world.ask('GET', '/api/v1/tenant', { token })).status;
    const ways: ((id: string) => Promise<unknown>)[] = [
      (id) => a.admin.post(`/api-tokens/${id}/revoke`),
      (id) => a.admin.delete(`/api-tokens/${id}`),
      (id) => world.sql('UPDATE api_tokens SET expires_at = ? WHERE id = ?', Date.now(), id),
    ];
    for (const end of ways) {
      const made = await a.admin.post('/api-tokens', { name: 'short', scopes: ['tenant:read'] });
      expect(await works(made.token)).toBe(200);
      await end(made.id);
      expect(await works(made.token)).toBe(401);
    }
    const made = await a.admin.post('/api-tokens', { name: 'short', scopes: ['tenant:read'] });
    await a.admin.post(`/api-tokens/${made.id}/revoke`);
    expect(await problemOf(a.admin.post(`/api-tokens/${made.id}/revoke`))).toMatchObject({
      code: 'illegal_transition',
      state: 'revoked',
      allowed: ['delete'],
    });
  });

  test('open what their scopes say, and name the scope that is missing', async () => {
    const ask = async (scopes: string[], method: string, path: string, body?: unknown) => {
      const { token } = await a.admin.post('/api-tokens', { name: 's', scopes });
      return world.ask(method, `/api/v1${path}`, { ...(body === undefined ? {} : json(body)), token });
    };
    const table: [string[], string, string, number, string?][] = [
      [['networks:read'], 'GET', '/remote-networks', 200],
      [['networks:*'], 'GET', '/remote-networks', 200],
      [['*'], 'GET', '/remote-networks', 200],
      [['networks:write'], 'GET', '/remote-networks', 403, 'networks:read'],
      [['networks:read'], 'POST', '/remote-networks', 403, 'networks:write'],
      [['networks:*'], 'GET', '/connectors', 403, 'connectors:read'],
      [['resources:read'], 'GET', '/resources', 200],
      [['resources:read'], 'DELETE', '/resources/res_x', 403, 'resources:write'],
      [['services:read'], 'POST', '/service-keys/key_x/revoke', 403, 'services:write'],
      [['services:read'], 'POST', '/instances/ins_x/revoke', 403, 'services:write'],
      [['services:*'], 'POST', '/grants', 403, 'grants:write'],
      [['events:read'], 'GET', '/events', 200],
      [['events:read'], 'GET', '/audit', 403, 'audit:read'],
      [['audit:read'], 'GET', '/audit', 200],
      [['networks:*'], 'POST', '/api-tokens', 403, 'tokens:write'],
      [['tenant:read'], 'PATCH', '/tenant', 403, 'tenant:write'],
    ];
    for (const [scopes, method, path, status, missing] of table) {
      const answer = await ask(scopes, method, path);
      expect([scopes, method, path, answer.status]).toEqual([scopes, method, path, status]);
      if (missing)
        expect(answer.body).toMatchObject({ code: 'forbidden', detail: `needs the scope ${missing}` });
    }
  });

  test('cannot give away or take on more than they hold', async () => {
    const { token, id } = await a.admin.post('/api-tokens', {
      name: 'clerk',
      scopes: ['tokens:*', 'events:read'],
    });
    const give = (scopes: string[]) =>
      world.ask('POST', '/api/v1/api-tokens', { ...json({ name: 'x', scopes }), token });
    expect((await give(['events:read'])).status).toBe(201);
    expect((await give(['tokens:read'])).status).toBe(201);
    for (const scope of ['*', 'events:*', 'networks:read']) {
      expect(await give([scope])).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    const more = { ...json({ scopes: ['*'] }), token };
    expect((await world.ask('PATCH', `/api/v1/api-tokens/${id}`, more)).status).toBe(403);
    expect((await give(['no:such'])).status).toBe(422);
  });
});

/** A request whose Host is not where it goes. */
async function fetchAs(host: string, port: string, path: string, token: string) {
  const { request } = await import('node:http');
  return new Promise<{ status: number; body: Answer }>((resolve, reject) => {
    const headers = { host, authorization: `Bearer ${token}` };
    request({ host: '127.0.0.1', port, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }));
    })
      .on('error', reject)
      .end();
  });
}
