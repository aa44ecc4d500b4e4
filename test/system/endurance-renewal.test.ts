/**
 * What has an end is renewed before it comes, and ends when it is not. The Controller lets no token live
 * longer than a few seconds here (`SALLYPORT_DEBUG_TOKEN_LIFETIME_S`), so that a flow outlives several lives
 * of each; nothing else is different.
 */
import { readdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Answer } from '../world/admin.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import type { AgentProcess } from '../world/process.ts';
import { dripOrigin, fetchOnce, startDrip } from './origin/drip.ts';
import { endOf, openFlow, outcome, SmallClient } from './small-client.ts';

const lifeS = 6;
/** After which nothing of the first life is accepted anywhere. */
const toleranceS = 5;

let office: Office;
let origin: Server;
let port: number;
let service: Awaited<ReturnType<Office['world']['createService']>>;
let client: AgentProcess & { proxy: string };

beforeAll(async () => {
  office = await openOffice({ tokenLifetime: lifeS });
  const { world } = office;
  port = await world.port();
  origin = await dripOrigin(port, officeAddress);
  service = await world.createService('shop', [(await office.resource('web.internal')).id]);
  client = await world.startClient(service.key, { args: ['--direct', 'off'] });
}, 120_000);

afterAll(async () => {
  origin?.closeAllConnections();
  origin?.close();
  await office?.stop();
});

const web = () => `http://web.internal:${port}/`;
const signingKeys = async (): Promise<Answer[]> => (await office.world.admin.get('/signing-keys')).items;

test(`a download lives through four lives of every token while flows come, ACLs change and signing keys rotate`, async () => {
  const { world, network } = office;
  const other = await world.createKey(service.id, { name: 'never renews' });
  const [firstKey] = (await signingKeys()).filter(({ state }) => state === 'active');
  const began = Date.now();
  const drip = await startDrip(client.proxy, 'web.internal', port);
  const idle = await (await SmallClient.login(other.file)).tunnel(network);
  const unrenewed = openFlow(idle, 'web.internal', port);
  await unrenewed.opened;
  const unrenewedEnd = endOf(unrenewed).then((code) => ({ code, afterMs: Date.now() - began }));

  // A pushed ACL lives anew: what is not pushed with it must be renewed all the same.
  let changing = true;
  const changes = (async () => {
    for (let n = 0; changing; n++) {
      await office.resource(`noise-${n}.internal`);
      await sleep(1_500);
    }
  })();
  const elapsedS = () => (Date.now() - began) / 1000;
  const seen: string[] = [];
  const due = [5, 7, 16, 18]; // Twice in short order, and twice again.
  while (elapsedS() < 4 * lifeS + toleranceS) {
    seen.push(await fetchOnce(client.proxy, web()));
    if (elapsedS() > due[0]!) {
      due.shift();
      await world.admin.post('/signing-keys/rotate');
      // With tokens by a key that was the next one a moment ago, at a relay that has to look it up.
      await expect.poll(() => newcomer(other), { timeout: 5_000 }).toBe('opened');
    }
    await sleep(400);
  }
  expect(new Set(seen)).toEqual(new Set(['200']));
  expect(drip.endedAt).toBeUndefined();
  expect(drip.longestGapMs).toBeLessThan(2_000);
  drip.stop();

  // The registration of the start has long ended: only a renewed one opens the relay's door again.
  await office.relay.kill();
  office.relay = await world.startRelay();
  await office.relay.line('connector_registered', 15_000);
  expect(await fetchOnce(client.proxy, web())).toBe('200');
  changing = false;
  await changes;

  // Without renewal the same flow ends with its ACL.
  const { code, afterMs } = await unrenewedEnd;
  expect(code).toBe('acl_expired');
  expect(afterMs).toBeLessThan((lifeS + toleranceS + 2) * 1000);
  // A key that signs no more is forgotten once nothing that it signed lives.
  await expect
    .poll(signingKeys, { timeout: 15_000 })
    .not.toContainEqual(expect.objectContaining({ kid: firstKey.kid }));
  const { items } = await world.admin.get(`/events?key=${service.key.id}&kind=denied`);
  expect(items).toEqual([]);
}, 90_000);

/** A Client that starts now and knows no relay but the one that is a process. */
async function newcomer(key: { file: Record<string, unknown> }): Promise<string> {
  const fresh = await SmallClient.login(key.file);
  fresh.answer.relays = fresh.answer.relays.filter(({ carriers }) => carriers.includes('raw'));
  const tunnel = await fresh.tunnel(office.network).catch((error) => error.code as string);
  if (typeof tunnel === 'string') return tunnel;
  const result = await outcome(openFlow(tunnel, 'web.internal', port));
  tunnel.close();
  return result;
}

test('a grant that ends takes its flow along within a second and is told as that', async () => {
  const { world } = office;
  const resource = await office.resource('brief.internal');
  // Just after a full second: the Controller's alarm and the Connector's own clock then tie.
  const endsMs = Math.ceil(Date.now() / 1000) * 1000 + 3_030;
  await world.admin.post('/grants', {
    resource_id: resource.id,
    service_account_id: service.id,
    expires_at: new Date(endsMs).toISOString(),
  });
  const url = `http://brief.internal:${port}/`;
  await expect.poll(() => fetchOnce(client.proxy, url)).toBe('200');
  const drip = await startDrip(client.proxy, 'brief.internal', port);
  await drip.ended;
  expect(Math.abs(drip.endedAt! - endsMs)).toBeLessThan(1_000);
  expect(['grant_expired', 'not_a_resource']).toContain(await fetchOnce(client.proxy, url));
  const ended = async () =>
    (await world.admin.get(`/events?resource=${resource.id}&code=grant_expired`)).items.map(
      ({ kind }: Answer) => kind,
    );
  await expect.poll(ended, { timeout: 10_000 }).toContain('closed');
  expect(await fetchOnce(client.proxy, web())).toBe('200');
}, 60_000);

test('a Service Key that expires cuts its flows and ends its Client with its own exit code', async () => {
  const { world } = office;
  const key = await world.createKey(service.id, { name: 'brief', expires_in_days: 1 });
  // The API sets ends by the day.
  await world.controller.stop();
  const endsMs = Date.now() + 15_000;
  setExpiry(join(world.stateDir, 'controller', 'data'), key.id, endsMs);
  await world.startController();
  const brief = await world.startClient(key);
  const drip = await startDrip(brief.proxy, 'web.internal', port);
  await drip.ended;
  expect(Math.abs(drip.endedAt! - endsMs)).toBeLessThan(1_000);
  expect(await brief.exited).toBe(3);
  expect(brief.output()).toMatch(/sallyportd: .*expired/);
  await expect.poll(() => fetchOnce(client.proxy, web()), { timeout: 15_000 }).toBe('200');
}, 60_000);

/** In the database of a Controller that does not run. */
function setExpiry(data: string, key: string, endsMs: number): void {
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.sqlite'),
  );
  for (const file of files) {
    const database = new DatabaseSync(join(data, file));
    const [table] = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'service_keys'").all();
    if (table) database.prepare('UPDATE service_keys SET expires_at = ? WHERE id = ?').run(endsMs, key);
    database.close();
  }
}
