/**
 * The states of a Connector with their reasons, as a browser shows them by itself. Each is brought about: a real
 * Connector is frozen, its relays end, it is a release of long ago, it is revoked while it runs.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Answer } from '../world/admin.ts';
import { Front } from '../world/front.ts';
import { olderRelease, olderVersion } from '../world/older-release.ts';
import { AgentProcess } from '../world/process.ts';
import { ConsoleWorld, look } from './console-world.ts';

let world: ConsoleWorld;
let front: Front;
let folder: string;
let network: Answer;
let context: BrowserContext;
let page: Page;
const processes: AgentProcess[] = [];
/** Connectors by name. */
const made = new Map<string, Answer>();

beforeAll(async () => {
  [folder, front] = [await mkdtemp(join(tmpdir(), 'console-states-')), await Front.start()];
  world = await ConsoleWorld.start({ baseUrl: front.url });
  front.before(world.people.administration.controller.url);
  network = await world.people.admin.post('/remote-networks', { name: 'office' });
  context = await world.browser();
  page = await world.logIn(context, 'olive', '/networks');
}, 120_000);
afterAll(async () => {
  await context?.close();
  await Promise.all(processes.map((one) => one.kill()));
  await world?.stop();
  await front?.stop();
  await rm(folder, { recursive: true, force: true });
});

function run(name: string, args: string[], env: Record<string, string>): AgentProcess {
  const stateDir = join(folder, name);
  const agent = new AgentProcess(name, args, { env: { SALLYPORT_STATE_DIR: stateDir, ...env } });
  processes.push(agent);
  return agent;
}

async function connector(name: string, sallyportd = 'node-agents/sallyportd.js'): Promise<AgentProcess> {
  const { admin, tenant } = world.people;
  const one = await admin.post('/connectors', { name, remote_network_id: network.id });
  made.set(name, one);
  const env = { SALLYPORT_URL: tenant.url, SALLYPORT_ENROLL_TOKEN: one.enrolment_token };
  return run(name, [sallyportd, 'connector'], env);
}

const open = async (name: string) => {
  await page.goto(world.url(`/connectors/${made.get(name)!.id}`));
  await page.getByRole('heading', { level: 1, name }).waitFor();
};
/** What the page says without a reload: the state, why, and what to do. */
const shows = async (state: string, reason: RegExp, remedy?: RegExp) => {
  await page.getByRole('main').getByText(state, { exact: true }).first().waitFor({ timeout: 75_000 });
  await page.getByText(reason).first().waitFor();
  if (remedy) await page.getByRole('alert').getByText(remedy).waitFor();
};

test('one that runs is alive', async () => {
  const frozen = await connector('office-frozen');
  await frozen.line('connector_ready');
  await open('office-frozen');
  await shows('alive', /Connected to 1 of 1 relays/);
  frozen.signal('SIGSTOP'); // The tests between here and there are the silence that the Controller notices.
});

test('every relay off: no relay, and alive again by itself', async () => {
  const { operator, controller } = world.people.administration;
  const [, port] = /:(\d+)$/.exec(controller.url)!;
  const listen = `127.84.0.60:${port}`;
  const { enrolment_token: token } = await operator.post('/relays', {
    ...{ name: 'relay-1', url: `http://${listen}` },
  });
  const relay = run('relay-1', ['node-agents/sallyportd.js', 'relay', '--listen', listen], {
    ...{ SALLYPORT_RELAY_URL: `http://${listen}`, SALLYPORT_URL: front.url, SALLYPORT_ENROLL_TOKEN: token },
  });
  await relay.line('relay_ready');
  const cutOff = await connector('office-cut-off');
  await cutOff.line('connector_ready');
  await open('office-cut-off');
  await shows('alive', /Connected to 2 of 2 relays/);
  await relay.kill();
  front.close('/relay/');
  await shows('no relay', /No relay is connected: .*\brelay-1 \(/, /Let its host connect out/);
  expect(await look(page, 'connector-no-relay')).toEqual([]);
  front.open();
  await shows('alive', /Connected to 1 of 2 relays/);
});

test('a release that the Controller does not speak with any more: outdated, until it is updated', async () => {
  const release = join(folder, 'older');
  await mkdir(release);
  const old = await connector('office-old', await olderRelease(release));
  expect(await old.exited).toBe(1);
  expect(old.output()).toMatch(/Update the older side/);
  await open('office-old');
  await shows('outdated', new RegExp(`Version ${olderVersion.replaceAll('.', '\\.')} `), /Update it/);
  expect(await look(page, 'connector-outdated')).toEqual([]);
});

test('revoked while it runs: its process ends, and the page says that this is final', async () => {
  const revoked = await connector('office-revoked');
  await revoked.line('connector_ready');
  await open('office-revoked');
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await shows('revoked', /Revoked at .*; this is final/, /Delete it, and add a new Connector/);
  expect(await revoked.exited).toBe(3);
  expect(await look(page, 'connector-revoked')).toEqual([]);
});

test('frozen for a minute: heartbeat too old, with the time when it was last heard of', async () => {
  await open('office-frozen');
  await shows('heartbeat too old', /Last heard of at \d+ \w+ \d{4}/, /paused, overloaded or cut off/);
  expect(await look(page, 'connector-heartbeat-too-old')).toEqual([]);
}, 120_000);

test('the network and the overview show each state beside the others', async () => {
  await page.goto(world.url(`/networks/${network.id}`));
  for (const state of ['alive', 'heartbeat too old', 'outdated', 'revoked'])
    await page.getByRole('cell').getByText(state, { exact: true }).first().waitFor();
  expect(await look(page, 'network-states')).toEqual([]);
  await page.goto(world.url('/'));
  const map = page.getByRole('region', { name: 'Remote Networks' });
  for (const state of ['alive', 'heartbeat too old', 'outdated', 'revoked'])
    await map.getByText(state, { exact: true }).first().waitFor();
  expect(await look(page, 'overview-states')).toEqual([]);
});

test('given up after that, its state stays; what thaws and what is updated is alive again', async () => {
  const [frozen] = processes;
  const { admin, tenant } = world.people;
  const standing = () => admin.get(`/connectors/${made.get('office-frozen')!.id}`);
  const before = await standing();
  // By the table: its channel was closed by the Controller.
  await expect.poll(silent, { timeout: 30_000, interval: 500 }).toEqual([{ silent: 1 }]);
  expect(await standing()).toMatchObject({
    state: 'heartbeat_too_old',
    last_seen_at: before.last_seen_at,
  });
  frozen!.signal('SIGCONT');
  run('office-old', ['node-agents/sallyportd.js', 'connector'], { SALLYPORT_URL: tenant.url });
  for (const name of ['office-old', 'office-frozen']) {
    await open(name);
    await shows('alive', /Connected to/);
  }
}, 120_000);

async function silent(): Promise<Record<string, unknown>[]> {
  const { admin, administration } = world.people;
  await admin.get('/connectors'); // Whoever asks makes the Controller look.
  const { id } = made.get('office-frozen')!;
  return administration.sql('select silent from connectors where id = ?', id);
}
