/**
 * A Client that had to meet its Connector at the edge, because the relay of the deployment's own was gone, comes
 * back once that answers again: new flows take it, and what began at the edge goes on there to its end.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askClient } from '#node-agents/client/local-api.ts';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import type { AgentProcess } from '../world/process.ts';
import { dripOrigin, fetchOnce, startDrip } from './origin/drip.ts';

let office: Office;
let client: AgentProcess & { proxy: string };
let port: number;
let origin: Awaited<ReturnType<typeof dripOrigin>>;

beforeAll(async () => {
  office = await openOffice();
  port = await office.world.port();
  origin = await dripOrigin(port, officeAddress);
  const resource = await office.resource('drip.internal', { tcp: 'all' });
  const { key } = await office.world.createService('programs', [resource.id]);
  client = await office.world.startClient(key, { args: ['--direct', 'off', '--p2p', 'off'] });
}, 120_000);
afterAll(async () => {
  origin?.closeAllConnections();
  origin?.close();
  await office?.stop();
});

const link = async () => {
  const { networks } = await askClient<Snapshot>(join(office.world.stateDir, client.name), '/status');
  const { relay, flows, state } = networks[0]!.connectors[0]!;
  return { relay, flows, state };
};
const ask = () => fetchOnce(client.proxy, `http://drip.internal:${port}/`);

test('new flows leave the edge for a relay that is back, and old ones end where they began', async () => {
  const [own] = (await office.world.operator.get('/relays')).items;
  await expect.poll(link, { timeout: 20_000 }).toMatchObject({ relay: own.id, state: 'open' });
  office.relay.signal('SIGKILL');
  await office.relay.exited;
  await expect.poll(ask, { timeout: 20_000 }).toBe('200');
  await expect.poll(async () => (await link()).relay, { timeout: 20_000 }).not.toBe(own.id);
  const edge = (await link()).relay;
  const live = await startDrip(client.proxy, 'drip.internal', port);
  office.relay = await office.world.startRelay('relay-1');
  await expect.poll(link, { timeout: 30_000 }).toMatchObject({ relay: own.id, state: 'open', flows: 1 });
  expect(await ask()).toBe('200');
  const before = live.bytes;
  await expect.poll(() => live.bytes, { timeout: 5_000 }).toBeGreaterThan(before);
  expect(live.endedAt).toBeUndefined();
  live.stop();
  await expect.poll(async () => (await link()).flows, { timeout: 5_000 }).toBe(0);
  const closed = async () =>
    (await office.world.admin.get('/events?kind=closed&limit=10')).items.map(
      ({ relay }: { relay: string }) => relay,
    );
  await expect.poll(closed, { timeout: 10_000 }).toEqual(expect.arrayContaining([own.id, edge]));
}, 120_000);
