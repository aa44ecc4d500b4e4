/** Resources in the console: validated as they are typed, overlaps explained, granted, changed, taken back. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ConsoleWorld, look } from './console-world.ts';

let world: ConsoleWorld;
let context: BrowserContext;
let network: string;

beforeAll(async () => {
  world = await ConsoleWorld.start();
  const { admin } = world.people;
  await admin.post('/users', { email: 'alma@acme.example', name: 'Alma Auditor', role: 'auditor' });
  await admin.post('/groups', { name: 'night watch' });
  await admin.post('/service-accounts', { name: 'ci' });
  network = (await admin.post('/remote-networks', { name: 'office', location: 'Berlin' })).id;
}, 120_000);
afterAll(() => world?.stop());
beforeEach(async () => {
  context = await world.browser();
});
afterEach(() => context.close());

const heading = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor();
const option = (page: Page, name: string) => page.getByRole('option', { name }).click();

test('a Resource is made, with what it overlaps explained before and after, and granted to a Service Account', async () => {
  const { admin } = world.people;
  const page = await world.logIn(context, 'olive', '/resources');
  await page.getByText('No Resource yet').waitFor();
  const found = await look(page, 'resources-empty');
  await admin.post('/resources', { name: 'everything', address: '*.int', remote_network_id: network });

  await page.reload();
  await page.getByRole('link', { name: 'everything' }).waitFor();
  await page.getByRole('button', { name: 'Create a Resource' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Orders database');
  await page.getByRole('combobox', { name: 'Remote Network' }).click();
  await option(page, 'office');
  const address = page.getByRole('textbox', { name: 'Address' });
  await address.fill('https://db.int');
  await page.getByText('without the scheme').waitFor();
  await address.fill('10.0.0.1/24');
  await page.getByText('write 10.0.0.0/24').waitFor();
  await address.fill('DB.int');
  await page.getByText('Kept as db.int').waitFor();
  await page.getByText('a name without wildcards decides before a wildcard').waitFor();
  const tcp = page.getByRole('radiogroup', { name: 'TCP ports' });
  await tcp.getByText('Some').click();
  await page.getByLabel('TCP ports, written').fill('5432, 80OO');
  await page.getByRole('radiogroup', { name: 'UDP ports' }).getByText('None').click();
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByText('“80OO” is neither a port nor a range').waitFor();
  found.push(...(await look(page, 'resources-create')));
  await page.getByLabel('TCP ports, written').fill('5432, 8000-8100');
  await page.getByPlaceholder('env=prod').fill('env=prod');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Create', exact: true }).click();

  await heading(page, 'Orders database');
  await page.getByText('5432, 8000-8100').waitFor();
  await page.getByText('Nobody may reach it').waitFor();
  found.push(...(await look(page, 'resource-new')));
  await page.getByRole('button', { name: 'Grant access' }).first().click();
  await page.getByRole('combobox', { name: 'Service Account' }).fill('c');
  await option(page, 'ci');
  await page.getByRole('combobox', { name: 'Ends' }).selectOption('30 days');
  found.push(...(await look(page, 'resource-grant')));
  await page.getByRole('button', { name: 'Grant', exact: true }).click();
  await page.getByRole('link', { name: 'ci', exact: true }).waitFor();

  await page.getByRole('button', { name: 'Grant access' }).click();
  await page.getByRole('radiogroup', { name: 'To whom' }).getByText('Group').click();
  await page.getByRole('combobox', { name: 'Group' }).click();
  await option(page, 'night watch');
  await page.getByRole('button', { name: 'Grant', exact: true }).click();
  await page.getByRole('link', { name: 'night watch' }).waitFor();
  await expect.poll(() => page.getByText('Orders database granted').count(), { timeout: 15_000 }).toBe(0);
  found.push(...(await look(page, 'resource')));

  const [resource] = (await admin.get('/resources?q=db.int')).items;
  expect(resource).toMatchObject({
    address: 'db.int',
    tcp: [
      { from: 5432, to: 5432 },
      { from: 8000, to: 8100 },
    ],
    udp: 'none',
    tags: { env: 'prod' },
    grants: 2,
  });
  await page.goto(world.url('/resources'));
  await page.getByRole('link', { name: 'Orders database' }).waitFor();
  found.push(...(await look(page, 'resources')));
  expect(found).toEqual([]);
}, 240_000);

test('it is changed with a policy, a grant is taken back, and it is deleted', async () => {
  const { admin } = world.people;
  const policy = await admin.post('/policies', { name: 'strict', rules: { amr: ['otp'] } });
  const { id } = await admin.post('/resources', {
    name: 'wiki',
    address: 'wiki.example',
    remote_network_id: network,
  });
  const account = await admin.post('/service-accounts', { name: 'reader' });
  await admin.post('/grants', { resource_id: id, service_account_id: account.id });

  const page = await world.logIn(context, 'olive', `/resources/${id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'Alias' }).fill('docs.acme.example');
  await page.getByRole('combobox', { name: 'Security Policy' }).click();
  await option(page, 'strict');
  const found = await look(page, 'resource-edit');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('link', { name: 'strict' }).waitFor();
  expect(await admin.get(`/resources/${id}`)).toMatchObject({
    alias: 'docs.acme.example',
    policy_id: policy.id,
  });

  await page.getByRole('button', { name: 'Take the grant from reader' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await page.getByText('Nobody may reach it').waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await heading(page, 'Resources');
  expect((await admin.get('/resources?q=wiki.example')).items).toEqual([]);
  expect(found).toEqual([]);
});

test('what the Controller refuses is said in the form', async () => {
  const { admin } = world.people;
  await admin.post('/resources', { name: 'first', address: 'one.example', remote_network_id: network });
  const page = await world.logIn(context, 'olive', `/networks/${network}`);
  await page.getByRole('button', { name: 'Create a Resource' }).first().click();
  await page.getByRole('textbox', { name: 'Name' }).fill('second');
  await page.getByRole('textbox', { name: 'Address' }).fill('one.example');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'address_taken' });
  await alert.waitFor();
  expect(await alert.textContent()).toContain('first');
});

test('an auditor sees Resources and grants, and nothing that changes them', async () => {
  const { admin } = world.people;
  const { id } = await admin.post('/resources', {
    name: 'ledger',
    address: 'ledger.example',
    remote_network_id: network,
  });
  const account = await admin.post('/service-accounts', { name: 'clerk' });
  await admin.post('/grants', { resource_id: id, service_account_id: account.id });
  const page = await world.logIn(context, 'alma', '/resources?q=ledger');
  await page.getByRole('link', { name: 'ledger' }).click();
  await page.getByRole('link', { name: 'clerk' }).waitFor();
  const changing = page.locator('main').getByRole('button', { name: /Create|Edit|Delete|Grant|Take/ });
  expect(await changing.count()).toBe(0);
});
