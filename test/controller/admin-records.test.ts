/**
 * What stays: an audit entry for each change, without secrets, and the events of flows, found by what they
 * are about.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Admin, Answer } from '../world/admin.ts';
import { Administration, problemOf } from './administration.ts';

let world: Administration;
let admin: Admin;
let tenantId: string;

beforeAll(async () => {
  world = await Administration.start();
  const tenant = await world.tenant();
  admin = tenant.admin;
  tenantId = tenant.id;
});
afterAll(() => world.stop());

describe('audit', () => {
  test('holds one entry for each change, and none for what was refused', async () => {
    const secrets: string[] = [];
    const network = await admin.post('/remote-networks', { name: 'office' });
    await admin.patch(`/remote-networks/${network.id}`, { name: 'head office' });
    const connector = await admin.post('/connectors', { name: 'c', remote_network_id: network.id });
    await admin.patch(`/connectors/${connector.id}`, { name: 'd' });
    const rotated = await admin.post(`/connectors/${connector.id}/rotate`);
    secrets.push(connector.enrolment_token, rotated.enrolment_token);
    await admin.post(`/connectors/${connector.id}/revoke`);
    await admin.delete(`/connectors/${connector.id}`);
    const resource = await admin.post('/resources', {
      name: 'db',
      remote_network_id: network.id,
      address: 'db.internal',
    });
    await admin.patch(`/resources/${resource.id}`, { tcp: 'none' });
    const account = await admin.post('/service-accounts', { name: 'ci' });
    await admin.patch(`/service-accounts/${account.id}`, { name: 'cd' });
    const key = await admin.post(`/service-accounts/${account.id}/keys`, { name: 'k' });
    secrets.push(key.service_key.private_key.split('\n')[1]);
    await admin.patch(`/service-keys/${key.id}`, { name: 'l' });
    await admin.post(`/service-keys/${key.id}/revoke`);
    await admin.delete(`/service-keys/${key.id}`);
    const pair = { resource_id: resource.id, service_account_id: account.id };
    const grant = await admin.post('/grants', pair);
    await admin.post('/grants', { ...pair, expires_at: '2030-01-01T00:00:00Z' });
    await admin.delete(`/grants/${grant.id}`);
    const token = await admin.post('/api-tokens', { name: 't', scopes: ['events:read'] });
    secrets.push(token.token);
    await admin.patch(`/api-tokens/${token.id}`, { name: 'u' });
    await admin.post(`/api-tokens/${token.id}/revoke`);
    await admin.delete(`/api-tokens/${token.id}`);
    await admin.patch('/tenant', { event_retention_days: 7 });
    await admin.delete(`/resources/${resource.id}`);
    await admin.delete(`/service-accounts/${account.id}`);
    await problemOf(admin.post('/remote-networks', { name: 'head office' }));
    await problemOf(admin.delete('/resources/res_x'));
    await admin.delete(`/remote-networks/${network.id}`);

    const { items } = await admin.get('/audit?limit=200');
    expect(items.map((entry: Answer) => entry.action).reverse()).toEqual([
      'tenant.create',
      'remote_network.create',
      'remote_network.update',
      'connector.create',
      'connector.rename',
      'connector.rotate',
      'connector.revoke',
      'connector.delete',
      'resource.create',
      'resource.update',
      'service_account.create',
      'service_account.update',
      'service_key.create',
      'service_key.rename',
      'service_key.revoke',
      'service_key.delete',
      'grant.create',
      'grant.update',
      'grant.delete',
      'api_token.create',
      'api_token.update',
      'api_token.revoke',
      'api_token.delete',
      'tenant.update',
      'resource.delete',
      'service_account.delete',
      'remote_network.delete',
    ]);
    const text = JSON.stringify(items);
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(world.logs.join('\n')).not.toContain(secrets[0]);
  });

  test('says who, what, from what to what, and in which request', async () => {
    const answer = await world.ask('POST', '/api/v1/remote-networks', {
      body: JSON.stringify({ name: 'lab' }),
      headers: { 'content-type': 'application/json' },
      token: admin.token,
    });
    await admin.patch(`/remote-networks/${answer.body.id}`, { name: 'laboratory' });
    const [changed, created] = (await admin.get(`/audit?target=${answer.body.id}`)).items;
    expect(created).toMatchObject({
      action: 'remote_network.create',
      target: { kind: 'remote_network', id: answer.body.id },
      before: null,
      after: { name: 'lab' },
      request_id: answer.headers.get('x-request-id'),
    });
    expect(created.actor).toMatch(/^tok_/);
    expect(changed).toMatchObject({ before: { name: 'lab' }, after: { name: 'laboratory' } });
    const byActor = await admin.get(`/audit?actor=${created.actor}&action=remote_network.update`);
    expect(byActor.items[0].id).toBe(changed.id);
    expect((await admin.get('/audit?actor=operator')).items.map((e: Answer) => e.action)).toEqual(
      expect.arrayContaining(['tenant.create']),
    );
    expect((await admin.get(`/audit?since=${new Date(Date.now() + 60_000).toISOString()}`)).items).toEqual(
      [],
    );
  });
});

describe('events', () => {
  beforeAll(async () => {
    const rows: [string, number, string, string, string, string, string, string, string | null][] = [
      ['evt_1', 1000, 'established', 'cnx_1', 'svc_1', 'key_1', 'res_1', 'con_1', null],
      ['evt_2', 2000, 'closed', 'cnx_1', 'svc_1', 'key_1', 'res_1', 'con_1', null],
      ['evt_3', 3000, 'denied', 'cnx_2', 'svc_1', 'key_2', 'res_2', 'con_1', 'port_denied'],
      ['evt_4', 4000, 'failed', 'cnx_3', 'svc_2', 'key_3', 'res_2', 'con_2', 'connection_refused'],
    ];
    for (const [id, at, kind, connection, principal, key, resource, connector, code] of rows) {
      await world.sql(
        `INSERT INTO events (tenant_id, id, at, kind, reporter, connection, principal, key, resource, connector, code,
           protocol, host, port, path, bytes_up, bytes_down, duration_ms, acl_age)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'tcp', 'db.internal', 5432, 'relay', 10, 20, 30, 2)`,
        ...[tenantId, id, at, kind, connector, connection, principal, key, resource, connector, code],
      );
    }
  });

  test.each([
    ['', [4, 3, 2, 1]],
    ['resource=res_1', [2, 1]],
    ['principal=svc_1', [3, 2, 1]],
    ['key=key_2', [3]],
    ['connector=con_2', [4]],
    ['kind=denied', [3]],
    ['code=connection_refused', [4]],
    ['connection=cnx_1', [2, 1]],
    ['since=1970-01-01T00:00:02Z', [4, 3, 2]],
    ['until=1970-01-01T00:00:02Z', [1]],
    ['since=1970-01-01T00:00:02Z&until=1970-01-01T00:00:04Z', [3, 2]],
    ['principal=svc_1&kind=closed', [2]],
    ['resource=res_9', []],
  ])('?%s', async (filter, expected) => {
    const { items } = await admin.get(`/events?${filter}`);
    expect(items.map((event: Answer) => event.id)).toEqual(expected.map((i) => `evt_${i}`));
  });

  test('carry all that was reported', async () => {
    const [event] = (await admin.get('/events?connection=cnx_3')).items;
    expect(event).toMatchObject({
      at: '1970-01-01T00:00:04.000Z',
      kind: 'failed',
      reporter: 'con_2',
      code: 'connection_refused',
      host: 'db.internal',
      port: 5432,
      bytes_up: 10,
      bytes_down: 20,
      duration_ms: 30,
      acl_age: 2,
    });
  });
});
