/**
 * Overview, Recent Activity, Explain and the audit log in Chromium, over a real Connector and a real Client: what
 * a Client does shows up without a reload, what is denied says why, a probe tells its hops; pictures of each.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestThrough } from '../demo/request.ts';
import type { Answer } from '../world/admin.ts';
import { AgentProcess } from '../world/process.ts';
import { ConsoleWorld, look } from './console-world.ts';

const address = '127.84.0.41';
let world: ConsoleWorld;
let context: BrowserContext;
let page: Page;
let folder: string;
let origin: Server;
let resource: Answer;
let service: Answer;
const processes: AgentProcess[] = [];
const proxy = '127.84.0.41:47123';
const port = 47_124;

beforeAll(async () => {
  [world, folder] = [await ConsoleWorld.start(), await mkdtemp(join(tmpdir(), 'sallyport-console-'))];
  const { admin, tenant } = world.people;
  origin = createServer((_, response) => response.end('hello from inside\n')).listen(port, address);
  await once(origin, 'listening');
  const network = await admin.post('/remote-networks', { name: 'Berlin office', location: 'Berlin' });
  await admin.post('/remote-networks', { name: 'Warehouse', location: 'Hamburg' });
  resource = await admin.post('/resources', {
    ...{ name: 'Ledger', remote_network_id: network.id, address, allow_reserved: true },
    tcp: [{ from: port, to: port }],
  });
  service = await admin.post('/service-accounts', { name: 'nightly build' });
  await admin.post('/grants', { resource_id: resource.id, service_account_id: service.id });
  const key = await admin.post(`/service-accounts/${service.id}/keys`, {
    name: 'runner',
    expires_in_days: 9,
  });
  const connector = await admin.post('/connectors', { name: 'berlin-1', remote_network_id: network.id });
  await admin.post('/connectors', { name: 'berlin-2', remote_network_id: network.id });
  const path = join(folder, 'service_key.json');
  await writeFile(path, JSON.stringify(key.service_key), { mode: 0o600 });
  const start = async (name: string, args: string[], env: Record<string, string>, line: string) => {
    const agent = new AgentProcess(name, ['node-agents/sallyportd.js', ...args], {
      env: { SALLYPORT_STATE_DIR: join(folder, name), ...env },
    });
    processes.push(agent);
    await agent.line(line);
  };
  const enrol = { SALLYPORT_URL: tenant.url, SALLYPORT_ENROLL_TOKEN: connector.enrolment_token };
  await start('connector', ['connector'], enrol, 'connector_ready');
  await start('client', ['--http-proxy', proxy, '--tun', 'off', '--service-key', path], {}, 'client_ready');
  context = await world.browser();
  page = await world.logIn(context, 'olive', '/');
}, 120_000);

afterAll(async () => {
  await context?.close();
  await Promise.all(processes.map((one) => one.stop()));
  origin?.close();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

const fetchInside = (at: number) => requestThrough(`http://${proxy}`, `http://${address}:${at}/`);
const open = async (path: string, title: string) => {
  await page.goto(world.url(path));
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
};

test('a flow shows up in Recent Activity without a reload, and a denied one with its reason and remedy', async () => {
  await open('/activity', 'Recent Activity');
  await page.getByText('Nothing has happened yet').waitFor();
  expect((await fetchInside(port)).status).toBe(200);
  await page
    .getByRole('cell', { name: /^established$/ })
    .first()
    .waitFor({ timeout: 20_000 });
  expect((await fetchInside(1)).status).toBe(403);
  await page.getByText('Add the port to the Resource.').first().waitFor({ timeout: 20_000 });
  await page.getByRole('link', { name: 'nightly build' }).first().waitFor();
});

test('filters are in the URL, and a link to them shows the same', async () => {
  await page.getByRole('radiogroup', { name: 'Kind of event' }).getByText('Denied').click();
  await page.waitForURL(/kind=denied/);
  const [csv] = await Promise.all([
    page.waitForEvent('download'),
    page
      .getByRole('button', { name: 'Export' })
      .click()
      .then(() => page.getByRole('menuitem', { name: 'As CSV' }).click()),
  ]);
  expect(csv.suggestedFilename()).toBe('sallyport-events.csv');
  await open('/activity?live=off&kind=denied', 'Recent Activity');
  await page.getByText('Add the port to the Resource.').first().waitFor();
  expect(await page.getByRole('cell', { name: /^closed$/ }).count()).toBe(0);
});

test('what Recent Activity, its details and the overview look like, with nothing serious for axe', async () => {
  await open('/activity?live=off', 'Recent Activity');
  await page.getByRole('link', { name: 'nightly build' }).first().waitFor();
  expect(await look(page, 'activity')).toEqual([]);
  await page
    .getByRole('button', { name: /Details of the denied/ })
    .first()
    .click();
  await page.getByRole('dialog').getByText('Rule that decided').waitFor();
  expect(await look(page, 'activity-details')).toEqual([]);
  await open('/', 'Overview');
  await page.getByText('Denied in the last hour').waitFor();
  await page.getByRole('link', { name: 'berlin-1' }).waitFor();
  expect(await look(page, 'overview')).toEqual([]);
});

test('explain shows each decision, and a probe each hop', async () => {
  await open('/explain', 'Explain');
  await page.getByRole('combobox', { name: 'Who' }).fill('nightly');
  await page.getByRole('option', { name: 'nightly build' }).click();
  await page.getByRole('textbox', { name: 'Destination' }).fill(`${address}:${port}`);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('It would be let through').waitFor();
  await page.getByRole('button', { name: 'Probe now' }).click();
  await page.getByText('reached it').waitFor();
  expect(await look(page, 'explain')).toEqual([]);
  await open(`/explain?principal=${service.id}&destination=${address}:1`, 'Explain');
  await page.getByText('It would be refused').waitFor();
  await page.getByText('Add the port to the Resource.').first().waitFor();
  expect(await look(page, 'explain-refused')).toEqual([]);
});

test('the audit log shows what was there before and after', async () => {
  await world.people.admin.patch(`/resources/${resource.id}`, { name: 'General ledger' });
  await open('/audit', 'Audit log');
  await page
    .getByRole('button', { name: /before and after of resource.update/ })
    .first()
    .waitFor();
  expect(await look(page, 'audit')).toEqual([]);
  await page
    .getByRole('button', { name: /before and after of resource.update/ })
    .first()
    .click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('cell', { name: 'Ledger', exact: true }).waitFor();
  await dialog.getByRole('cell', { name: 'General ledger' }).waitFor();
  expect(await look(page, 'audit-details')).toEqual([]);
});
