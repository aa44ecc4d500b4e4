/**
 * Explain with a probe, by a real Connector: hop by hop to where it ends, no further than the Resource's ACL,
 * whoever asks, and each of them in the audit log.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Admin, AdminError, type Answer } from '../world/admin.ts';
import { World } from '../world/world.ts';

const address = '127.84.0.30';
let world: World;
let origin: Server;
let [open, closed, outside] = [0, 0, 0];
let accepted = 0;
let service: string;
let resource: Answer;

beforeAll(async () => {
  world = await World.start();
  [open, closed, outside] = [await world.port(), await world.port(), await world.port()];
  origin = createServer((socket) => {
    accepted++;
    socket.on('error', () => {}).end();
  }).listen(open, address);
  await once(origin, 'listening');
  const network = await world.admin.post('/remote-networks', { name: 'office' });
  resource = await world.admin.post('/resources', {
    ...{ name: 'origin', remote_network_id: network.id, address, allow_reserved: true },
    tcp: [open, closed].map((port) => ({ from: port, to: port })),
  });
  const wild = await world.admin.post('/resources', {
    ...{ name: 'names', remote_network_id: network.id, address: '*.nowhere.invalid' },
  });
  service = (await world.createService('ci', [resource.id, wild.id])).id;
  await world.startConnector(network.id);
}, 120_000);
afterAll(async () => {
  origin?.close();
  await world?.stop();
});

const probe = (host: string, port: number, by: Admin = world.admin): Promise<Answer> =>
  by.post('/explain/probe', { principal: service, host, port });
const refused = (asked: Promise<unknown>) =>
  asked.then(
    () => 'answered',
    (error) => (error instanceof AdminError ? error.problem['code'] : error),
  );

test('a destination that accepts is told by hop, with times and the address that answered', async () => {
  await expect
    .poll(async () => (await world.admin.get('/connectors')).items[0].state, { timeout: 20_000 })
    .toBe('alive');
  const { explanation, probes } = await probe(address, open);
  expect(explanation).toMatchObject({ allowed: true, resource_id: resource.id });
  expect(probes).toMatchObject([{ connector_name: 'connector-1', ok: true }]);
  expect(probes[0].hops.map(({ hop, ok }: Answer) => [hop, ok])).toEqual([
    ['control_channel', true],
    ['acl', true],
    ['resolve', true],
    ['connect', true],
  ]);
  expect(probes[0].hops[3].found).toEqual([address]);
  expect(probes[0].hops.every(({ ms }: Answer) => ms >= 0)).toBe(true);
  await expect.poll(() => accepted).toBe(1);
});

test('one that refuses, and a name that is not there, end at their hop with code and remedy', async () => {
  const [{ hops }] = (await probe(address, closed)).probes;
  expect(hops.at(-1)).toMatchObject({ hop: 'connect', ok: false, code: 'connection_refused' });
  expect(hops.at(-1).remedy).toContain('listens');
  const [unknown] = (await probe('db.nowhere.invalid', 5432)).probes;
  expect(unknown.hops.at(-1)).toMatchObject({ hop: 'resolve', ok: false });
});

test('what the Resource does not allow is tried by nobody', async () => {
  const before = accepted;
  expect(await refused(probe(address, outside))).toBe('port_denied');
  expect(await refused(probe('127.84.0.31', open))).toBe('not_a_resource');
  expect(await refused(probe('169.254.169.254', 80))).toBe('not_a_resource');
  expect(accepted).toBe(before);
});

test('it needs its own scope, is in the audit log, and is not asked for without end', async () => {
  const { token } = await world.admin.post('/api-tokens', { name: 'reads', scopes: ['grants:*'] });
  expect(await refused(probe(address, open, new Admin(world.tenantUrl, token)))).toBe('forbidden');
  const { items } = await world.admin.get('/audit?action=connector.probe');
  expect(items).toHaveLength(3);
  expect(items.at(-1).after).toMatchObject({ principal: service, host: address, port: open, ok: true });
  const codes: unknown[] = [];
  for (let i = 0; i < 12; i++) codes.push((await probe(address, open)).probes[0].hops.at(-1).code);
  expect(codes).toContain('rate_limited');
});
