/** Every list is paginated and can be searched, which the OpenAPI document says and the routes do. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Administration } from './administration.ts';

let world: Administration;
let document: { paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>> };
let tenant: Awaited<ReturnType<Administration['tenant']>>;

beforeAll(async () => {
  world = await Administration.start();
  tenant = await world.tenant();
  document = (await world.ask('GET', '/api/v1/openapi.json')).body as never;
});
afterAll(() => world.stop());

const lists = () =>
  Object.entries(document.paths).flatMap(([path, { get }]) => {
    const names = (get?.parameters ?? []).map(({ name }) => name);
    return names.includes('cursor') ? [{ path, names }] : [];
  });

test('every list takes a limit, a cursor and a text to search for', () => {
  expect(lists().length).toBeGreaterThan(15);
  for (const { path, names } of lists()) {
    expect([path, names]).toEqual([path, expect.arrayContaining(['limit', 'cursor', 'q'])]);
  }
});

test('a text that is nowhere finds nothing, in any list of a Tenant', async () => {
  await seed();
  for (const { path } of lists()) {
    if (path.includes('{') || ['/api/v1/tenants', '/api/v1/relays'].includes(path)) continue;
    const found = await tenant.admin.get(`${path.replace('/api/v1', '')}?q=nowhere-to-be-found`);
    expect([path, found.items]).toEqual([path, []]);
  }
});

test('a text is found in names, whatever its case, and in what a thing is known by besides', async () => {
  const hits = async (path: string) => (await tenant.admin.get(path)).items.length;
  expect(await hits('/resources?q=DATAB')).toBe(1);
  expect(await hits('/resources?q=db.internal')).toBe(1);
  expect(await hits('/remote-networks?q=berl')).toBe(1);
  expect(await hits('/connectors?q=gate')).toBe(1);
  expect(await hits('/service-accounts?q=RUNNER')).toBe(1);
  expect(await hits('/users?q=nora@')).toBe(1);
  expect(await hits('/groups?q=engin')).toBe(1);
  expect(await hits('/policies?q=strict')).toBe(1);
  expect(await hits('/grants?q=runner')).toBe(1);
  expect(await hits('/grants?q=database')).toBe(1);
  expect(await hits('/audit?q=database')).toBeGreaterThan(0);
  expect(await hits('/resources?q=%25')).toBe(0);
});

async function seed(): Promise<void> {
  const { admin } = tenant;
  const network = await admin.post('/remote-networks', { name: 'office', location: 'Berlin' });
  await admin.post('/connectors', { name: 'gate-1', remote_network_id: network.id });
  const resource = await admin.post('/resources', {
    name: 'Database',
    remote_network_id: network.id,
    address: 'db.internal',
  });
  const account = await admin.post('/service-accounts', { name: 'runner' });
  await admin.post('/grants', { resource_id: resource.id, service_account_id: account.id });
  await admin.post('/users', { email: 'nora@acme.example' });
  await admin.post('/groups', { name: 'Engineering' });
  await admin.post('/policies', { name: 'strict', rules: {} });
}
