/**
 * People in the console, in Chromium: each page as a person with the role for it uses it, pictures of each, and
 * what axe says; secrets that are shown once, and the first run.
 */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Answer } from '../world/admin.ts';
import { ConsoleWorld, look } from './console-world.ts';

let world: ConsoleWorld;
let context: BrowserContext;
let page: Page;
const said: string[] = [];

beforeAll(async () => {
  world = await ConsoleWorld.start();
  context = await world.browser();
  page = await world.logIn(context, 'olive', '/people');
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
}, 120_000);
afterAll(() => world?.stop());

const heading = (name: string, level = 1) => page.getByRole('heading', { level, name, exact: true });
const open = async (path: string, title: string) => {
  await page.goto(world.url(path));
  await heading(title).waitFor();
};
const press = (name: string) => page.getByRole('button', { name, exact: true }).first().click();
const inDialog = (name: string) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click();

test('somebody is added, gets a role, a grant, a group; is deactivated, and may get in again', async () => {
  const { admin } = world.people;
  const network = await admin.post('/remote-networks', { name: 'office' });
  const made = { remote_network_id: network.id };
  await admin.post('/resources', { ...made, name: 'database', address: 'db.internal' });
  const shared = await admin.post('/resources', { ...made, name: 'wiki', address: 'wiki.internal' });
  const group = await admin.post('/groups', { name: 'builders' });
  await admin.post('/grants', { group_id: group.id, resource_id: shared.id });

  await open('/people', 'People');
  await press('Add a person');
  await page.getByLabel('E-mail address').fill('pia@acme.example');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Pia Person');
  expect(await look(page, 'people-add')).toEqual([]);
  await inDialog('Add');
  await heading('Pia Person').waitFor();
  const [, id] = /\/people\/(usr_\w+)/.exec(page.url())!;

  await press('Grant a Resource');
  await page.getByRole('dialog').getByLabel('Resource').fill('data');
  await page.getByRole('option', { name: /database/ }).click();
  await page.getByLabel('Last day').fill('2031-01-31');
  expect(await look(page, 'people-grant')).toEqual([]);
  await inDialog('Grant');
  await page.getByRole('link', { name: 'database' }).waitFor();

  await page.getByRole('combobox', { name: 'Role in the console' }).click();
  await page.getByRole('option', { name: /^devops/ }).click();
  await expect.poll(async () => (await admin.get(`/users/${id}`)).role).toBe('devops');

  await open(`/groups/${group.id}`, 'builders');
  await press('Add a member');
  await page.getByRole('dialog').getByLabel('Person').fill('pia');
  await page.getByRole('option', { name: /Pia/ }).click();
  await inDialog('Add');
  await page.getByRole('link', { name: 'Pia Person' }).waitFor();
  expect(await look(page, 'group')).toEqual([]);

  const olive = (await admin.get('/users?q=olive')).items[0];
  await admin.post(`/groups/${group.id}/members`, { user_id: olive.id });
  await world.people.loginOnDevice('olive');
  await open(`/people/${olive.id}`, 'Olive Owner');
  await page.getByText('wiki').waitFor();
  expect(await look(page, 'person')).toEqual([]);

  await open(`/people/${id}`, 'Pia Person');
  await press('Deactivate');
  await inDialog('Deactivate');
  await page.getByText('Cannot get in').waitFor();
  expect(await admin.get(`/users/${id}`)).toMatchObject({ active: false });
  await press('Activate');
  await expect.poll(async () => (await admin.get(`/users/${id}`)).active).toBe(true);
  await open('/people', 'People');
  expect(await look(page, 'people')).toEqual([]);
}, 120_000);

test('a policy is made with its rules, becomes the default, and says so', async () => {
  await open('/policies', 'Policies');
  expect(await look(page, 'policies-empty')).toEqual([]);
  await page.getByRole('link', { name: 'Create a policy' }).first().click();
  await heading('A new policy').waitFor();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Strict');
  const acr = page.getByRole('combobox', { name: 'Authentication context (acr)' });
  await acr.fill('mfa');
  await acr.press('Enter');
  const networks = page.getByRole('combobox', { name: 'Source networks' });
  await networks.fill('not a network');
  await networks.press('Enter');
  await press('Create');
  await page
    .getByRole('alert')
    .getByText(/neither an address nor a CIDR/)
    .waitFor();
  await networks.press('Backspace');
  await press('Create');
  await heading('Strict').waitFor();
  await press('Make it the default');
  await inDialog('Make it the default');
  await page.getByText('Counts for every Resource that names no other.').waitFor();
  expect(await look(page, 'policy')).toEqual([]);
  const [policy] = (await world.people.admin.get('/policies')).items;
  expect(policy).toMatchObject({ is_default: true, rules: { acr: ['mfa'], networks: [] } });
  await open('/policies', 'Policies');
  expect(await look(page, 'policies')).toEqual([]);
}, 60_000);

test('an identity provider by its preset; the secret that is kept is shown nowhere', async () => {
  await open('/identity', 'Identity provider');
  await press('Add an identity provider');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Identity provider').click();
  await page.getByRole('option', { name: 'Keycloak' }).click();
  await dialog.getByText(`${world.people.tenant.url}/login/callback`).waitFor();
  await dialog.getByLabel('Issuer').fill('https://id.acme.example/realms/acme');
  await dialog.getByLabel('Client ID').fill('sallyport');
  await dialog.getByLabel('Client secret').fill('kept-to-itself');
  expect(await look(page, 'identity-form')).toEqual([]);
  await inDialog('Save');
  await heading('Keycloak', 2).waitFor();
  await dialog.waitFor({ state: 'hidden' });
  expect(await page.content()).not.toContain('kept-to-itself');
  await press('Edit Keycloak');
  await dialog.getByLabel('Client secret').waitFor();
  expect(await dialog.getByLabel('Client secret').inputValue()).toBe('');
  expect(await page.content()).not.toContain('kept-to-itself');
  await inDialog('Cancel');
  await dialog.waitFor({ state: 'hidden' });
  await press('Disable Keycloak');
  await inDialog('Disable');
  await page.getByText('disabled', { exact: true }).waitFor();
  expect(await look(page, 'identity')).toEqual([]);
}, 60_000);

test.each([
  ['/identity', 'Identity provider', 'Create a SCIM token', /^sps_/, 'scim'],
  ['/api-tokens', 'API tokens', 'Create a token', /^spt_/, 'api-token'],
])(
  'a token made at %s is shown once, works, and is nowhere afterwards',
  async (path, title, button, shape, name) => {
    await open(path, title);
    await press(button);
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(`made for ${name}`);
    expect(await look(page, `${name}-form`)).toEqual([]);
    await inDialog('Create');
    const token = (await page.getByLabel('the token', { exact: true }).textContent()) ?? '';
    expect(token).toMatch(shape);
    expect(await look(page, `${name}-once`)).toEqual([]);
    const below = name === 'scim' ? '/scim/v2/Users' : '/api/v1/session';
    const { status } = await world.people.administration.ask('GET', world.people.tenant.url + below, {
      token,
    });
    expect(status).toBe(200);
    await inDialog('I have it');
    await page.getByText(`made for ${name}`).waitFor();
    expect(await page.content()).not.toContain(token);
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')).not.toContain(
      token,
    );
    await press(`Revoke made for ${name}`);
    await inDialog('Revoke');
    await page.getByRole('button', { name: `Delete made for ${name}` }).waitFor();
    expect(await look(page, `${name}-list`)).toEqual([]);
  },
  60_000,
);

test('sessions are listed, and another browser is logged out', async () => {
  const other = await world.browser();
  await world.logIn(other, 'olive', '/sessions');
  await open('/sessions', 'Sessions');
  await page.getByText('this one').first().waitFor();
  expect(await look(page, 'sessions')).toEqual([]);
  const mine = (await world.people.admin.get('/console-sessions?limit=200')).items;
  expect(mine.filter(({ state }: Answer) => state === 'active').length).toBeGreaterThanOrEqual(2);
  const rows = page.getByRole('region', { name: 'Yours in the console' }).getByRole('row');
  await rows.filter({ hasNotText: 'this one' }).getByRole('button').last().click();
  await inDialog('Log out');
  await page.getByText('Logged out there').waitFor();
  // Asked without a page: that would log in again, by the session that its browser has at the provider.
  const answer = await other.request.get(`${world.people.tenant.url}/api/v1/session`);
  expect(answer.status()).toBe(401);
  await other.close();
}, 60_000);

test('who may not change anything is offered nothing to change', async () => {
  await world.people.admin.post('/users', { email: 'alma@acme.example', role: 'auditor' });
  const theirs = await world.browser();
  page = await world.logIn(theirs, 'alma', '/people');
  await heading('People').waitFor();
  expect(await page.getByRole('button', { name: 'Add a person' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Olive Owner' }).click();
  await heading('Olive Owner').waitFor();
  expect(await page.getByRole('button', { name: /Deactivate|Grant|Log out|End/ }).count()).toBe(0);
  for (const [path, title] of [
    ['/identity', 'Identity provider'],
    ['/api-tokens', 'API tokens'],
    ['/policies', 'Policies'],
  ] as const) {
    await open(path, title);
    expect(await page.getByRole('button', { name: /^(Add|Create|Edit|Revoke|Disable|Remove)/ }).count()).toBe(
      0,
    );
  }
  // But for their own sessions, which everybody may end.
  const forgotten = await world.browser();
  await world.logIn(forgotten, 'alma', '/');
  await open('/sessions', 'Sessions');
  const rows = (title: string) => page.getByRole('region', { name: title }).getByRole('row');
  await rows('Yours in the console').filter({ hasNotText: 'this one' }).getByRole('button').last().click();
  await inDialog('Log out');
  await page.getByText('Logged out there').waitFor();
  expect((await forgotten.request.get(`${world.people.tenant.url}/api/v1/session`)).status()).toBe(401);
  const others = rows('Everybody’s in the console').filter({ hasText: 'olive@' });
  await others.first().waitFor();
  expect(await others.getByRole('button').count()).toBe(0);
  await forgotten.close();
  await theirs.close();
}, 60_000);

test('the first run: a code, a Tenant, and its owner is in', async () => {
  const { administration, idp } = world.people;
  const { code } = await administration.operator.post('/setup-codes');
  const fresh = await world.browser();
  page = await fresh.newPage();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  await page.goto(`${administration.controller.url}/setup`);
  await heading('Set up Sallyport').waitFor();
  await page.getByLabel('Setup code').fill(code);
  await page.getByLabel('Name of your organisation').fill('Böhm & Co');
  await page.getByLabel('Your e-mail address').fill('adam@acme.example');
  await page.getByLabel('Issuer').fill(idp.issuer);
  await page.getByLabel('Client ID').fill('sallyport');
  await page.getByLabel('Client secret').fill('a secret of the client');
  expect(await look(page, 'setup')).toEqual([]);
  await press('Set up');
  await heading('One thing is left').waitFor();
  expect(await look(page, 'setup-done')).toEqual([]);
  expect(await page.content()).not.toContain(code);
  expect(asked.join(' ')).not.toContain(code);
  await page.getByRole('link', { name: 'Log in as the owner' }).click();
  await page.getByRole('button', { name: 'Adam Admin' }).click();
  await page.waitForURL(/\/t\/bohm-co\/console\//);
  await page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' });
  await fresh.close();
}, 60_000);

test('nothing of it made the browser complain', () => {
  expect(said.filter((line) => !/status of 4\d\d/.test(line))).toEqual([]);
});
