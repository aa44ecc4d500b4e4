/**
 * Parts that die or restart while a Client works: the Controller, the relay, the Connector. What must live
 * on lives on, what must fail closed does, and everything finds together again by itself.
 */
import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import type { Answer } from '../world/admin.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import { AgentProcess, type LogLine } from '../world/process.ts';
import { dripOrigin, fetchOnce, startDrip } from './origin/drip.ts';

let office: Office;
let origin: Server;
let port: number;
let service: Awaited<ReturnType<Office['world']['createService']>>;
let client: AgentProcess & { proxy: string };

beforeAll(async () => {
  office = await openOffice();
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

const to = (host: string) => `http://${host}:${port}/`;
const web = () => fetchOnce(client.proxy, to('web.internal'));
const drip = () => startDrip(client.proxy, 'web.internal', port);

async function grant(name: string): Promise<Answer> {
  const resource = await office.resource(name);
  await office.world.admin.post('/grants', { resource_id: resource.id, service_account_id: service.id });
  return resource;
}

/** A line that is said from now on. */
function nextLine(agent: AgentProcess, event: string, fits: (line: LogLine) => boolean = () => true) {
  const since = Date.now();
  const isNew = ({ time }: LogLine) => Date.parse(String(time)) >= since;
  const said = agent.line((line) => line.event === event && isNew(line) && fits(line), 45_000);
  said.catch(() => {}); // Told to whoever awaits it, if the test gets that far.
  return said;
}

async function within(ms: number, work: () => Promise<string>): Promise<string> {
  const began = Date.now();
  const result = await work();
  const took = Date.now() - began;
  return took < ms ? result : `${result} after ${took} ms`;
}

async function status(): Promise<Snapshot> {
  const asked = new AgentProcess('status', ['node-agents/sallyportd.ts', 'status', '--json'], {
    env: { SALLYPORT_STATE_DIR: join(office.world.stateDir, client.name) },
  });
  await asked.exited;
  return asked.lines[0] as unknown as Snapshot;
}

const relayInUse = async () =>
  (await status()).networks[0]!.connectors.find((c) => c.state === 'open')?.relay;

/** As an administrator sees it. */
async function connectedTo(relays: number): Promise<void> {
  const { world, connector } = office;
  const told = async () => (await world.admin.get(`/connectors/${connector.id}`)).state_reason;
  await expect.poll(told, { timeout: 10_000 }).toContain(`connected to ${relays} of`);
}

describe('the Controller', () => {
  test('killed and back: flows live, new ones come, events arrive once, changes arrive again', async () => {
    const { world, connector } = office;
    const away = await grant('away.internal');
    await expect.poll(() => fetchOnce(client.proxy, to('away.internal'))).toBe('200');
    const live = await drip();
    await world.killController();
    const flows = 20;
    for (let i = 0; i < flows; i++) {
      expect(await fetchOnce(client.proxy, to('away.internal'))).toBe('200');
      await sleep(100);
    }
    const back = nextLine(connector, 'controller_connected');
    await world.startController();
    await back;
    await expect.poll(async () => (await status()).controller.state, { timeout: 30_000 }).toBe('open');
    expect(live.endedAt).toBeUndefined();
    expect(live.longestGapMs).toBeLessThan(1_000);
    live.stop();

    // Revocations reach the relay as well as the Connector.
    const cutters = async () => {
      const key = await world.createKey(service.id);
      const { receipt } = await world.admin.post(`/service-keys/${key.id}/revoke`);
      return receipt.agents.filter((agent: Answer) => agent.confirmed).map(({ role }: Answer) => role);
    };
    await expect
      .poll(cutters, { timeout: 20_000, interval: 500 })
      .toEqual(expect.arrayContaining(['connector', 'relay']));
    await grant('later.internal');
    await expect.poll(() => fetchOnce(client.proxy, to('later.internal'))).toBe('200');
    const stored = async (kind: string) =>
      (await world.admin.get(`/events?resource=${away.id}&kind=${kind}&limit=200`)).items.map(
        ({ connection }: Answer) => connection,
      );
    for (const kind of ['established', 'closed']) {
      await expect.poll(async () => (await stored(kind)).length, { timeout: 20_000 }).toBe(flows + 1);
      expect(new Set(await stored(kind)).size).toBe(flows + 1);
    }
  }, 90_000);

  test('gone for longer than the staleness budget: closed, and open again once it is back', async () => {
    const { world, connector } = office;
    const applied = (seconds: number) =>
      nextLine(connector, 'acl_applied', (line) => line.stale_after_s === seconds);
    const strict = applied(2);
    await world.admin.patch('/tenant', { staleness_budget_seconds: 2 });
    await strict;
    const live = await drip();
    const began = Date.now();
    await world.killController();
    await live.ended;
    expect(live.endedAt! - began).toBeGreaterThan(1_500);
    expect(live.endedAt! - began).toBeLessThan(3_000);
    expect(await web()).toBe('acl_stale');
    await world.startController();
    await expect.poll(web, { timeout: 40_000, interval: 200 }).toBe('200');
    const lenient = applied(900);
    await world.admin.patch('/tenant', { staleness_budget_seconds: 900 });
    await lenient;
    const told = async (kind: string) =>
      (await world.admin.get(`/events?code=acl_stale&kind=${kind}`)).items.length;
    for (const kind of ['closed', 'denied']) await expect.poll(() => told(kind)).toBeGreaterThan(0);
  }, 90_000);
});

describe('the relay', () => {
  test('asked to end: the next flow goes by another at once, the live one is given time, then it is used anew', async () => {
    const { world, connector } = office;
    await connectedTo(2);
    const first = await relayInUse();
    const live = await drip();
    const began = Date.now();
    office.relay.signal('SIGTERM');
    await office.relay.line('relay_draining');
    for (let i = 0; i < 5; i++) expect(await within(1_000, web)).toBe('200');
    expect(live.endedAt).toBeUndefined();
    expect(await relayInUse()).not.toBe(first);
    live.stop();
    // Nobody has a flow there any more.
    expect(await office.relay.exited).toBe(0);
    expect(Date.now() - began).toBeLessThan(8_000);
    const again = nextLine(connector, 'relay_connected', (line) => line.relay === first);
    office.relay = await world.startRelay();
    await again;
    expect(await within(1_000, web)).toBe('200');
  }, 60_000);

  test('killed and started at the same address: the next flow works within a second, the Connector is back there', async () => {
    const { world, connector } = office;
    // A tunnel through the relay that is about to die.
    const fresh = await world.startClient(service.key);
    const live = await startDrip(fresh.proxy, 'web.internal', port);
    await office.relay.kill();
    await live.ended;
    expect(await within(1_000, () => fetchOnce(fresh.proxy, to('web.internal')))).toBe('200');
    const again = nextLine(connector, 'relay_connected');
    office.relay = await world.startRelay();
    await again;
    await connectedTo(2);
    await fresh.stop();
  }, 60_000);
});

describe('the Connector', () => {
  const start = (name: string) =>
    office.world.startConnector(office.network, name, { SALLYPORT_DNS: office.dns.address });

  test('restarted: the next flow works as soon as it is back', async () => {
    expect(await web()).toBe('200');
    await office.connector.kill();
    office.connector = await start('connector-1');
    expect(await within(1_000, web)).toBe('200');
  }, 60_000);

  test('one of two dies: the next flow goes by the other within a second', async () => {
    const second = await start('connector-2');
    const open = async () =>
      (await status()).networks[0]!.connectors.filter(({ state }) => state === 'open').length;
    await expect.poll(open, { timeout: 20_000, interval: 300 }).toBe(2);
    for (const [victim, name] of [
      [office.connector, 'connector-1'],
      [second, 'connector-2'],
    ] as const) {
      await victim.kill();
      expect(await within(1_000, web)).toBe('200');
      if (victim === office.connector) office.connector = await start(name);
    }
  }, 60_000);
});
