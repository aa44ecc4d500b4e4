/** Remote Networks and Connectors in the console: made, a real Connector arriving by itself, renamed, revoked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { AgentProcess } from '../world/process.ts';
import { ConsoleWorld, look } from './console-world.ts';

let world: ConsoleWorld;
let context: BrowserContext;
const processes: AgentProcess[] = [];
const folders: string[] = [];

beforeAll(async () => {
  world = await ConsoleWorld.start();
  await world.people.admin.post('/users', { email: 'alma@acme.example', role: 'auditor' });
}, 120_000);
afterAll(async () => {
  await Promise.all(processes.map((one) => one.stop()));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  await world?.stop();
});
beforeEach(async () => {
  context = await world.browser();
});
afterEach(() => context.close());

/** A Connector as whoever reads the page would start it: from the variables in the text that is shown. */
async function startConnector(text: string): Promise<AgentProcess> {
  const stateDir = await mkdtemp(join(tmpdir(), 'console-connector-'));
  folders.push(stateDir);
  const env = Object.fromEntries(
    [...text.matchAll(/--env (\w+)='([^']+)'/g)].map(([, name, value]) => [name!, value!]),
  );
  const connector = new AgentProcess('connector', ['node-agents/sallyportd.js', 'connector'], {
    env: { ...env, SALLYPORT_STATE_DIR: stateDir },
  });
  processes.push(connector);
  return connector;
}

const heading = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor();

test('from an empty list to a Connector that turns green by itself, and what is next', async () => {
  const page = await world.logIn(context, 'olive', '/networks');
  await page.getByText('No Remote Network yet').waitFor();
  const found = await look(page, 'networks-empty');

  await page.getByRole('button', { name: 'Create a Remote Network' }).first().click();
  await page.getByRole('textbox', { name: 'Name' }).fill('office');
  await page.getByRole('textbox', { name: 'Location' }).fill('Berlin');
  found.push(...(await look(page, 'networks-create')));
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await heading(page, 'office');
  found.push(...(await look(page, 'network-empty')));

  await page.getByRole('link', { name: 'Add a Connector' }).first().click();
  expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('office-1');
  found.push(...(await look(page, 'connector-add-name')));
  await page.getByRole('button', { name: 'Show how to start it' }).click();
  await page.getByText('Waiting for office-1').waitFor();
  found.push(...(await look(page, 'connector-add-waiting')));
  const shown: Record<string, string> = {};
  for (const tab of ['Compose', 'ECS', 'systemd', 'Kubernetes', 'Docker']) {
    await page.getByRole('tab', { name: tab }).click();
    shown[tab] = (await page.getByLabel(`${tab} text`, { exact: true }).textContent()) ?? '';
    expect(shown[tab]).toContain(world.people.tenant.url);
    expect(shown[tab]).toMatch(/spe_[\w-]{43}/);
    if (tab === 'Kubernetes') found.push(...(await look(page, 'connector-add-kubernetes')));
  }
  const [token] = /spe_[\w-]{43}/.exec(shown['Docker']!)!;
  expect(page.url()).not.toContain(token);

  const connector = await startConnector(shown['Docker']!);
  await page.getByText('office-1 is connected').waitFor({ timeout: 30_000 });
  expect(await page.content()).not.toContain(token);
  found.push(...(await look(page, 'connector-add-arrived')));

  await page.getByRole('link', { name: 'Open office-1' }).click();
  await heading(page, 'office-1');
  await page.getByText('alive', { exact: true }).waitFor();
  found.push(...(await look(page, 'connector')));
  await page.getByRole('link', { name: 'office', exact: true }).first().click();
  await heading(page, 'office');
  await page.getByRole('link', { name: 'office-1' }).waitFor();
  found.push(...(await look(page, 'network')));

  await connector.stop();
  await page.getByRole('link', { name: 'office-1' }).click();
  await page.getByText('no heartbeat', { exact: true }).waitFor({ timeout: 30_000 });
  found.push(...(await look(page, 'connector-no-heartbeat')));
  await page.goto(world.url('/networks'));
  await page.getByRole('link', { name: 'office' }).waitFor();
  found.push(...(await look(page, 'networks')));
  expect(found).toEqual([]);
}, 240_000);

test('a network in use is not deleted, and says why; an empty one is', async () => {
  const { admin } = world.people;
  const lab = await admin.post('/remote-networks', { name: 'lab' });
  const made = await admin.post('/connectors', { name: 'lab-1', remote_network_id: lab.id });
  const page = await world.logIn(context, 'olive', `/networks/${lab.id}`);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('lab is in use: 1 Connector and 0 Resources are in it.').waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('laboratory');
  await page.getByRole('button', { name: 'Save' }).click();
  await heading(page, 'laboratory');

  await admin.delete(`/connectors/${made.id}`);
  await page.reload();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await heading(page, 'Remote Networks');
  expect((await admin.get('/remote-networks?q=laboratory')).items).toEqual([]);
});

test('a Connector is renamed, given a new token, revoked for good and deleted', async () => {
  const { admin } = world.people;
  const { id: network } = await admin.post('/remote-networks', { name: 'depot' });
  const made = await admin.post('/connectors', { name: 'depot-1', remote_network_id: network });
  const page = await world.logIn(context, 'olive', `/connectors/${made.id}`);
  await page.getByText('not enrolled', { exact: true }).waitFor();
  const found = await look(page, 'connector-not-enrolled');
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('depot east');
  await page.getByRole('button', { name: 'Save' }).click();
  await heading(page, 'depot east');

  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByRole('button', { name: 'Make a token' }).click();
  const text = (await page.getByLabel('Docker text', { exact: true }).textContent()) ?? '';
  const [token] = /spe_[\w-]{43}/.exec(text)!;
  expect(token).not.toBe(made.enrolment_token);
  found.push(...(await look(page, 'connector-new-token')));
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.content()).not.toContain(token);

  await page.getByRole('button', { name: 'Revoke' }).click();
  found.push(...(await look(page, 'connector-revoke')));
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('revoked', { exact: true }).waitFor();
  expect(await page.getByRole('button', { name: /New token|Replace the key|Revoke/ }).count()).toBe(0);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await heading(page, 'depot');
  expect(found).toEqual([]);
});

test('an auditor sees networks and Connectors, and nothing that changes them', async () => {
  const { admin } = world.people;
  const { id } = await admin.post('/remote-networks', { name: 'vault' });
  const made = await admin.post('/connectors', { name: 'vault-1', remote_network_id: id });
  const page = await world.logIn(context, 'alma', '/networks');
  await page.getByRole('link', { name: 'vault' }).waitFor();
  const changing = page.locator('main').getByRole('button', {
    name: /Create|Add|Edit|Delete|Rename|Revoke|token|Grant/,
  });
  expect(await changing.count()).toBe(0);
  await page.getByRole('link', { name: 'vault' }).click();
  await page.getByRole('link', { name: 'vault-1' }).waitFor();
  expect(await changing.count()).toBe(0);
  expect(await page.getByRole('link', { name: 'Add a Connector' }).count()).toBe(0);
  await page.goto(world.url(`/connectors/${made.id}`));
  await heading(page, 'vault-1');
  expect(await changing.count()).toBe(0);
});
