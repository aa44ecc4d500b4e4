/**
 * Services in the console, in Chromium: keys with the actions that their state allows, what a Service may
 * reach, warnings, and what each role is offered; pictures of each page, and what axe says of it.
 */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeAgent, type FakeChannel, makeKeyPair } from '../fake/agent.ts';
import type { Answer } from '../world/admin.ts';
import { ConsoleWorld, look } from './console-world.ts';

let world: ConsoleWorld;
let context: BrowserContext;
let page: Page;
const said: string[] = [];
const day = 24 * 3_600_000;

beforeAll(async () => {
  world = await ConsoleWorld.start();
  context = await world.browser();
  page = await world.logIn(context, 'olive', '/services');
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
}, 120_000);
afterAll(() => world?.stop());

const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true });
const button = (name: string) => page.getByRole('button', { name, exact: true });
const inDialog = (name: string) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
const row = (name: string) => page.getByRole('row').filter({ hasText: name });
const openService = async (service: Answer) => {
  await page.goto(world.url(`/services/${service.id}`));
  await heading(service.name).waitFor();
};
const actionsOf = async (name: string) => {
  await row(name).waitFor();
  return row(name).getByRole('button').allTextContents();
};

test('the first Service is created from the empty list, and its page says what to do next', async () => {
  await heading('Services').waitFor();
  expect(await look(page, 'services-empty')).toEqual([]);
  await button('Create a Service').first().click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('ci runners');
  await page.getByRole('dialog').getByLabel('Description').fill('What the pipeline deploys with');
  expect(await look(page, 'services-create')).toEqual([]);
  await inDialog('Create');
  await heading('ci runners').waitFor();
  expect(page.url()).toMatch(/\/console\/services\/svc_/);
  await page.getByText('No Resource is granted: its keys open nothing.').waitFor();
  await page.getByText('No key yet').waitFor();
  expect(await look(page, 'services-new')).toEqual([]);
});

test('a name that is taken is told beside its field', async () => {
  await page.goto(world.url('/services'));
  await button('Create a Service').click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('ci runners');
  await inDialog('Create');
  await page
    .getByRole('dialog')
    .getByText(/already in use/)
    .waitFor();
  await inDialog('Cancel');
});

test('a key is offered what its state allows: revoke and rename while active, delete once revoked or expired', async () => {
  const { admin, administration } = world.people;
  const service = await admin.post('/service-accounts', { name: 'states' });
  const key = (name: string, more = {}) =>
    admin.post(`/service-accounts/${service.id}/keys`, { name, ...more });
  await key('still good', { expires_in_days: null });
  const old = await key('too old', { expires_in_days: 1 });
  await key('nearly over', { expires_in_days: 5 });
  await administration.sql(
    'update service_keys set created_at = ?, expires_at = ? where id = ?',
    Date.now() - 2 * day,
    Date.now() - day,
    old.id,
  );
  await openService(service);
  expect(await actionsOf('still good')).toEqual(['Rename', 'Revoke']);
  expect(await actionsOf('too old')).toEqual(['Delete']);
  expect(await row('too old').textContent()).toContain('Expired');
  expect(await row('still good').textContent()).toContain('unlimited');
  expect(await row('nearly over').textContent()).toContain('soon');
  // Nor is the Service itself offered for deletion while a key is active.
  expect(await button('Delete').count()).toBe(0);

  await button('Rename still good').click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('renamed');
  await inDialog('Rename');
  await row('renamed').waitFor();

  await button('Revoke renamed').click();
  await page.getByRole('dialog').getByText('A revoked key cannot be made active again').waitFor();
  expect(await look(page, 'services-revoke')).toEqual([]);
  await inDialog('Revoke');
  await row('renamed').getByText('Revoked', { exact: true }).waitFor();
  expect(await actionsOf('renamed')).toEqual(['Delete']);
  expect(await look(page, 'services-keys')).toEqual([]);

  await button('Delete renamed').click();
  await inDialog('Delete');
  await row('renamed').waitFor({ state: 'detached' });
});

test('a key expires while its page is looked at, and only its deletion is offered then', async () => {
  const { admin, administration } = world.people;
  const service = await admin.post('/service-accounts', { name: 'short lived' });
  const key = await admin.post(`/service-accounts/${service.id}/keys`, { name: 'brief' });
  await administration.sql('update service_keys set expires_at = ? where id = ?', Date.now() + 3_000, key.id);
  await openService(service);
  await row('brief').getByText('Expired', { exact: true }).waitFor();
  expect(await actionsOf('brief')).toEqual(['Delete']);
});

test('a Resource is added by search, until a time, and removed; the Service is renamed and deleted', async () => {
  const { admin } = world.people;
  const network = await admin.post('/remote-networks', { name: 'office' });
  const place = { remote_network_id: network.id };
  await admin.post('/resources', { name: 'database', address: 'db.internal', ...place });
  await admin.post('/resources', { name: 'wiki', address: 'wiki.internal', ...place });
  const service = await admin.post('/service-accounts', { name: 'grants' });
  await openService(service);
  await button('Add a Resource').first().click();
  await page.getByRole('combobox', { name: 'Resource' }).fill('db.int');
  await page.getByRole('option', { name: /wiki/ }).waitFor({ state: 'detached' });
  expect(await look(page, 'services-grant')).toEqual([]);
  await page.getByRole('option', { name: /database/ }).click();
  await page.getByRole('dialog').getByLabel('Until').fill('2031-01-31T12:00');
  await inDialog('Add');
  await row('database').getByText('db.internal').waitFor();
  const { items } = await admin.get(`/grants?service_account_id=${service.id}`);
  expect(items).toMatchObject([
    { resource_name: 'database', expires_at: new Date('2031-01-31T12:00').toISOString() },
  ]);

  await button('Remove database').click();
  await inDialog('Remove');
  await page.getByText('No Resource yet').waitFor();

  await button('Rename').click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('to be gone');
  await inDialog('Save');
  await heading('to be gone').waitFor();
  await button('Delete').click();
  await inDialog('Delete');
  await heading('Services').waitFor();
  await page.getByText('to be gone', { exact: true }).waitFor({ state: 'detached' });
});

test('the list is searched, says how each Service stands, and warns of a key that carries too much', async () => {
  const { admin } = world.people;
  const many = await admin.post('/service-accounts', {
    name: 'many keys',
    description: 'Grown over the years',
  });
  for (let n = 1; n <= 11; n++) await admin.post(`/service-accounts/${many.id}/keys`, { name: `key ${n}` });
  await openService(many);
  await page.getByText('11 keys are active: revoke those not needed.').waitFor();
  expect(await look(page, 'services-warned')).toEqual([]);
  await page.goto(world.url('/services'));
  await row('many keys').getByText('2 warnings').waitFor();
  expect(await look(page, 'services')).toEqual([]);
  await page.getByLabel('Search Services').fill('over the years');
  await row('states').waitFor({ state: 'detached' });
  expect(await row('many keys').count()).toBe(1);
  expect(new URL(page.url()).searchParams.get('q')).toBe('over the years');
});

test('a key that more than a hundred Clients run on is warned of on its page and in the list, until they leave', async () => {
  const { admin, tenant } = world.people;
  const service = await admin.post('/service-accounts', { name: 'one key for all' });
  const pair = await makeKeyPair();
  const key = await admin.post(`/service-accounts/${service.id}/keys`, {
    ...{ name: 'everywhere', public_key: pair.publicJwk },
  });
  const channels: FakeChannel[] = [];
  const beating = setInterval(() => {
    for (const one of channels) one.send('ping');
  }, 10_000);
  const run = async () => {
    const channel = await (await FakeAgent.client(tenant.url, key.id, pair)).channel();
    channel.hello();
    await channel.take('welcome', 30_000);
    channels.push(channel);
  };
  await openService(service);
  for (let n = 0; n < 101; n += 10) await Promise.all(Array.from({ length: Math.min(10, 101 - n) }, run));
  const warning = page.getByText('101 instances run on the key everywhere');
  await warning.waitFor();
  await row('everywhere').first().getByText('101 live').waitFor();
  expect(await look(page, 'services-over-shared')).toEqual([]);
  await page.goto(world.url('/services'));
  // By the keyboard: what a pointer shows is for everybody.
  await row('one key for all').locator('[tabindex="0"]').focus();
  await page.getByRole('tooltip').getByText('101 instances run on the key everywhere').waitFor();
  await openService(service);
  await warning.waitFor();
  await channels.pop()!.close();
  await warning.waitFor({ state: 'detached' });
  clearInterval(beating);
  await Promise.all(channels.map((one) => one.close()));
}, 240_000);

test('who may only read is shown everything, and offered nothing that would be refused', async () => {
  const { admin } = world.people;
  const { items } = await admin.get('/service-accounts?q=states');
  for (const [who, role] of [
    ['sam', 'support'],
    ['dora', 'devops'],
  ] as const) {
    await admin.post('/users', { email: `${who}@acme.example`, role });
    const other = await world.browser();
    const theirs = await world.logIn(other, who, `/services/${items[0].id}`);
    await theirs.getByRole('heading', { level: 1, name: 'states' }).waitFor();
    await theirs.getByRole('row').filter({ hasText: 'too old' }).waitFor();
    // Its Resources are asked for by themselves.
    if (role === 'devops') await theirs.getByRole('button', { name: 'Add a Resource' }).waitFor();
    const offered = (await theirs.getByRole('main').getByRole('button').allTextContents()).filter((text) =>
      /^(Generate a key|Add a Resource|Rename|Revoke|Delete|Remove|Cut)$/.test(text),
    );
    if (role === 'support') expect(offered).toEqual([]);
    else
      expect(offered).toEqual(
        expect.arrayContaining(['Rename', 'Generate a key', 'Revoke', 'Delete', 'Add a Resource']),
      );
    await other.close();
  }
});

test('no page of these complained of anything', () => {
  expect(said.filter((text) => !text.includes('status of 409') && !text.includes('status of 404'))).toEqual(
    [],
  );
});
