/**
 * Recent Activity on real workerd: events that Connectors reported over their channels, found by every filter,
 * counted over time, followed as they are stored, taken away as a file; and nothing of another Tenant.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../world/admin.ts';
import { Administration } from './administration.ts';

let world: Administration;
let tenant: Awaited<ReturnType<Administration['tenant']>>;
let other: Awaited<ReturnType<Administration['tenant']>>;
let account: Answer;
let resource: Answer;
let relay: Answer;
const noon = Date.UTC(2026, 10, 21, 12);
const minute = 60_000;

beforeAll(async () => {
  world = await Administration.start();
  [tenant, other] = [await world.tenant(), await world.tenant()];
  account = await tenant.admin.post('/service-accounts', { name: 'nightly build' });
  const network = await tenant.admin.post('/remote-networks', { name: 'office' });
  resource = await tenant.admin.post('/resources', {
    ...{ name: 'Ledger', remote_network_id: network.id, address: 'ledger.internal' },
  });
  relay = await world.operator.post('/relays', { name: 'fra-1', url: 'https://fra-1.example' });
  await store(tenant.id, 'evt_1', { at: noon, kind: 'established', path: 'relay', relay: relay.id });
  await store(tenant.id, 'evt_2', { at: noon + minute, kind: 'closed', path: 'direct', key: 'key_2' });
  await store(tenant.id, 'evt_3', {
    ...{ at: noon + 2 * minute, kind: 'denied', code: 'port_denied', suppressed: 4 },
    ...{ instance: 'ins_3', connector: 'con_3', network: 'net_3', host: '=cmd|"x",\n1', principal: null },
  });
  await store(tenant.id, 'evt_4', { at: noon + 3 * minute, kind: 'failed', code: 'connection_refused' });
  await store(other.id, 'evt_9', { at: noon, kind: 'denied', host: 'secret.internal' });
});
afterAll(() => world.stop());

async function store(owner: string, id: string, more: Record<string, unknown>): Promise<void> {
  const row: Record<string, unknown> = {
    ...{ tenant_id: owner, id, reporter: 'con_1', connection: `cnx_${id}`, protocol: 'tcp' },
    ...{ host: 'ledger.internal', port: 443, path: 'none', bytes_up: 1, bytes_down: 2, duration_ms: 3 },
    ...(owner === tenant.id && { principal: account.id, resource: resource.id }),
    ...more,
  };
  const names = Object.keys(row);
  await world.sql(
    `insert into events (${names.map((name) => `"${name}"`).join()}) values (${names.map(() => '?').join()})`,
    ...Object.values(row),
  );
}

const ids = async (query: string) =>
  (await tenant.admin.get(`/events?${query}`)).items.map(({ id }: Answer) => id);
const raw = (path: string, of = tenant) =>
  world.ask('GET', `/t/${of.slug}/api/v1${path}`, { token: of.admin.token });

test('newest first, page by page, with the names of what the ids mean', async () => {
  const first = await tenant.admin.get('/events?limit=3');
  expect(first.items.map(({ id }: Answer) => id)).toEqual(['evt_4', 'evt_3', 'evt_2']);
  expect(first.names).toMatchObject({ [account.id]: 'nightly build', [resource.id]: 'Ledger' });
  const second = await tenant.admin.get(`/events?limit=3&cursor=${first.next_cursor}`);
  expect(second.items.map(({ id }: Answer) => id)).toEqual(['evt_1']);
  expect(second.names).toMatchObject({ [relay.id]: 'fra-1' });
  expect(second.next_cursor).toBeNull();
});

test('every filter finds what it names, and several at once what all of them name', async () => {
  expect(await ids('kind=denied')).toEqual(['evt_3']);
  expect(await ids('kind=denied,failed')).toEqual(['evt_4', 'evt_3']);
  expect(await ids('path=direct')).toEqual(['evt_2']);
  expect(await ids('key=key_2')).toEqual(['evt_2']);
  expect(await ids('instance=ins_3')).toEqual(['evt_3']);
  expect(await ids('connector=con_3')).toEqual(['evt_3']);
  expect(await ids('network=net_3')).toEqual(['evt_3']);
  expect(await ids('code=connection_refused')).toEqual(['evt_4']);
  expect(await ids('connection=cnx_evt_1')).toEqual(['evt_1']);
  expect(await ids(`principal=${account.id}`)).toEqual(['evt_4', 'evt_2', 'evt_1']);
  expect(await ids(`principal=${account.id}&kind=denied`)).toEqual([]);
  expect(await ids(`resource=${resource.id}&path=relay`)).toEqual(['evt_1']);
  const after = new Date(noon + minute).toISOString();
  expect(await ids(`since=${after}&kind=closed,failed`)).toEqual(['evt_4', 'evt_2']);
  expect((await raw('/events?kind=nonsense')).body).toMatchObject({ code: 'validation_failed' });
});

test('a text is found in the destination, and in the names of Resource and principal', async () => {
  expect(await ids('q=CMD')).toEqual(['evt_3']);
  expect(await ids('q=nightly')).toEqual(['evt_4', 'evt_2', 'evt_1']);
  expect(await ids('q=ledger&kind=denied')).toEqual(['evt_3']);
  expect(await ids('q=secret')).toEqual([]);
});

test('the histogram counts by kind in equal parts, empty ones and suppressed events too', async () => {
  const [since, until] = [noon, noon + 4 * minute].map((at) => new Date(at).toISOString());
  const { buckets, bucket_ms } = await tenant.admin.get(
    `/events/histogram?since=${since}&until=${until}&buckets=4`,
  );
  expect(bucket_ms).toBe(minute);
  expect(
    buckets.map(({ established, closed, denied, failed }: Answer) => [established, closed, denied, failed]),
  ).toEqual([
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 5, 0],
    [0, 0, 0, 1],
  ]);
  const none = await tenant.admin.get(
    `/events/histogram?since=${until}&until=2026-11-22T00:00:00Z&buckets=2`,
  );
  expect(none.buckets.map(({ denied }: Answer) => denied)).toEqual([0, 0]);
  const backwards = await raw(`/events/histogram?since=${until}&until=${since}`);
  expect(backwards.body).toMatchObject({ code: 'bad_request' });
});

test('the tail waits for what is stored next, of this Tenant and the filters alone', async () => {
  const begin = await tenant.admin.get('/events/tail');
  expect(begin.items).toEqual([]);
  const next = tenant.admin.get(`/events/tail?after=${begin.next}&wait=20&kind=denied`);
  await store(other.id, 'evt_10', { at: noon, kind: 'denied' });
  await store(tenant.id, 'evt_11', { at: noon - minute, kind: 'closed' });
  await store(tenant.id, 'evt_12', { at: noon - minute, kind: 'denied', code: 'not_a_resource' });
  const told = await next;
  expect(told.items.map(({ id }: Answer) => id)).toEqual(['evt_12']);
  expect((await tenant.admin.get(`/events/tail?after=${told.next}&wait=0`)).items).toEqual([]);
  const all = await tenant.admin.get(`/events/tail?after=${begin.next}&wait=0`);
  expect(all.items.map(({ id }: Answer) => id)).toEqual(['evt_11', 'evt_12']);
});

test('a place in the tail is of one Tenant and cannot be made up', async () => {
  const { next } = await other.admin.get('/events/tail');
  for (const after of [next, 'MQ', '1']) {
    expect((await raw(`/events/tail?after=${after}&wait=0`)).body).toMatchObject({ code: 'bad_request' });
  }
});

test('as CSV: RFC 4180, nothing that a spreadsheet would run, names beside ids', async () => {
  const { body, headers } = await raw('/events/export?kind=denied&code=port_denied');
  expect(headers.get('content-type')).toContain('text/csv');
  expect(headers.get('content-disposition')).toBe('attachment; filename="sallyport-events.csv"');
  const text = String(body);
  expect(text.startsWith('id,at,kind,reporter,connection,principal,principal_name,')).toBe(true);
  expect(text).toContain(`,"'=cmd|""x"",\n1",`);
  expect(text.endsWith('\r\n')).toBe(true);
  expect(text).toContain(`,${resource.id},Ledger,`);
  const relayed = String((await raw('/events/export?path=relay')).body);
  expect(relayed).toContain(`,${relay.id},fra-1,`);
});

test('as JSON: an array of the same, also of nothing, of any length', async () => {
  const of = await world.tenant();
  const empty = await raw('/events/export?format=json', of);
  expect(empty.body).toEqual([]);
  await world.sql(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < 2500)
     insert into events (tenant_id, id, at, kind, reporter, connection, protocol, host, path, bytes_up, bytes_down, duration_ms)
     select ?, 'evt_' || i, i, 'closed', 'con_1', 'cnx_' || i, 'tcp', 'h', 'relay', 0, 0, 0 from n`,
    of.id,
  );
  const rows = (await raw('/events/export?format=json', of)).body as unknown as Answer[];
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 2500 }, (_, at) => `evt_${2500 - at}`));
  const { body } = await raw('/events/export', of);
  expect(String(body).split('\r\n')).toHaveLength(2502);
});

test('who may not read events reads none of it', async () => {
  const { token } = await tenant.admin.post('/api-tokens', { name: 'narrow', scopes: ['resources:read'] });
  for (const path of ['', '/tail', '/histogram', '/export']) {
    const { status } = await world.ask('GET', `/t/${tenant.slug}/api/v1/events${path}`, { token });
    expect([path, status]).toEqual([path, 403]);
  }
});

test('the audit log is searched and taken away in the same ways', async () => {
  const { items, names } = await tenant.admin.get('/audit?q=LEDGER&target_kind=resource');
  expect(items).toHaveLength(1);
  expect(names).toMatchObject({ [resource.id]: 'Ledger' });
  const { body } = await raw('/audit/export?action=resource.create');
  expect(String(body)).toContain(`resource,${resource.id},Ledger,,`);
  expect(String(body).split('\r\n')).toHaveLength(3);
});

describe('the overview', () => {
  test('shows networks, Connectors, keys that run out, and the last hour', async () => {
    const of = await world.tenant();
    const network = await of.admin.post('/remote-networks', { name: 'office', location: 'Berlin' });
    const connector = await of.admin.post('/connectors', { name: 'c1', remote_network_id: network.id });
    const service = await of.admin.post('/service-accounts', { name: 'ci' });
    const soon = await of.admin.post(`/service-accounts/${service.id}/keys`, {
      name: 'soon',
      expires_in_days: 7,
    });
    await of.admin.post(`/service-accounts/${service.id}/keys`, { name: 'later' });
    const at = Date.now();
    const met = {
      at,
      connector: connector.id,
      instance: 'ins_1',
      principal: service.id,
      kind: 'established',
    };
    await store(of.id, 'evt_20', { ...met, path: 'relay' });
    await store(of.id, 'evt_21', { ...met, path: 'direct' });
    await store(of.id, 'evt_22', { ...met, path: 'direct' });
    const refused = { at, principal: service.id, kind: 'denied', code: 'port_denied', host: 'db.internal' };
    await store(of.id, 'evt_23', { ...refused, suppressed: 9 });
    await store(of.id, 'evt_24', { ...refused, at: at - 2 * 3_600_000 });

    const { networks, clients, traffic, expiring_keys } = await of.admin.get('/overview');
    expect(networks).toMatchObject({
      total: 1,
      items: [{ name: 'office', resources: 0, connectors: [{ name: 'c1', state: 'not_enrolled' }] }],
    });
    expect(clients).toEqual({ total: 0, items: [] });
    expect(expiring_keys).toMatchObject({ total: 1, items: [{ id: soon.id, service_account_name: 'ci' }] });
    expect(traffic.paths).toEqual({ relay: 1, direct: 2 });
    expect(traffic.minutes).toHaveLength(60);
    expect(traffic.links[0]).toMatchObject({ connector: connector.id, path: 'direct', flows: 2 });
    expect(traffic.denials.total).toBe(10);
    expect(traffic.denials.items).toMatchObject([{ code: 'port_denied', principal_name: 'ci', count: 10 }]);
  });

  test('leaves out what the caller may not read', async () => {
    const { token } = await tenant.admin.post('/api-tokens', { name: 'n', scopes: ['events:read'] });
    const { body } = await world.ask('GET', `/t/${tenant.slug}/api/v1/overview`, { token });
    expect(body).toMatchObject({ networks: null, clients: null, expiring_keys: null });
    expect(body.traffic.minutes).toHaveLength(60);
  });
});
