/**
 * The way of a Service from nothing to a page and to its end, all of it in the console and with real agents: a
 * Service, a key made in the browser, a sallyportd with that key that fetches a page through a relay and a
 * Connector, seen live and in Recent Activity; the key revoked, the Client cut, the next attempt refused.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serviceKeyFile } from '#schema/control/service-key.ts';
import { errors } from '#schema/errors.ts';
import { requestThrough } from '../demo/request.ts';
import type { Answer } from '../world/admin.ts';
import type { AgentProcess } from '../world/process.ts';
import { Agents } from './agents.ts';
import { ConsoleWorld, look } from './console-world.ts';

let world: ConsoleWorld;
let agents: Agents;
let context: BrowserContext;
let page: Page;
let client: AgentProcess & { proxy: string };
/** Where the console saved the key, and what is in it. */
const path = join(tmpdir(), `service_key-${randomBytes(6).toString('hex')}.json`);
let file: Answer;
let base64: string;
/** Everything that the browser sent. */
const sent: string[] = [];

beforeAll(async () => {
  world = await ConsoleWorld.start();
  agents = await Agents.start(world);
  context = await world.browser();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  page = await world.logIn(context, 'olive', '/services');
  page.on('request', (one) => sent.push(`${one.url()} ${JSON.stringify(one.headers())} ${one.postData()}`));
}, 180_000);
afterAll(async () => {
  await agents?.stop();
  await world?.stop();
});

const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true });
const press = (name: string) => page.getByRole('button', { name, exact: true }).first().click();
const dialog = () => page.getByRole('dialog');
const inDialog = (name: string) => dialog().getByRole('button', { name, exact: true }).click();
const row = (name: string) => page.getByRole('row').filter({ hasText: name });
/** Rows of its Recent Activity, at the foot of its page. */
const happened = (kind: string) =>
  page
    .getByRole('region', { name: 'Recent Activity' })
    .getByRole('row')
    .filter({ has: page.getByText(kind, { exact: true }) });
const get = (path: string) => requestThrough(client.proxy, agents.url + path);

test('a Service is created and given a Resource', async () => {
  await press('Create a Service');
  await dialog().getByRole('textbox', { name: 'Name' }).fill('ci');
  await inDialog('Create');
  await heading('ci').waitFor();
  await press('Add a Resource');
  await dialog().getByRole('combobox', { name: 'Resource' }).fill('intranet');
  await page.getByRole('option', { name: /intranet/ }).click();
  await inDialog('Add');
  await row('intranet').getByText('for good').waitFor();
});

test('its key is made in the browser, saved in each form, and gone once the dialog closes', async () => {
  await press('Generate a key');
  await dialog().getByRole('textbox', { name: 'Name' }).fill('build-1');
  expect(await dialog().getByRole('combobox', { name: 'Expires' }).inputValue()).toBe('365');
  expect(await look(page, 'services-key-form')).toEqual([]);
  // While the Controller is asked there is no way out: the answer would be a key that nobody has.
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await page.route('**/keys', async (route) => {
    asked.resolve();
    await answer.promise;
    await route.continue();
  });
  await inDialog('Generate');
  await asked.promise;
  await page.keyboard.press('Escape');
  await page.mouse.click(5, 5);
  for (const name of ['Cancel', 'Close'])
    expect(await dialog().getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
  answer.resolve();
  const save = dialog().getByRole('button', { name: 'Download service_key.json' });
  await save.waitFor();
  await page.unroute('**/keys');
  const download = page.waitForEvent('download');
  await save.click();
  await (await download).saveAs(path);
  file = JSON.parse(await readFile(path, 'utf8'));
  expect(serviceKeyFile.parse(file)).toEqual(file);
  expect(Object.keys(file)).toEqual([
    ...['version', 'network', 'service_account_id', 'private_key', 'key_id', 'expires_at', 'login_path'],
  ]);

  const copied = () => page.evaluate<string>('navigator.clipboard.readText()');
  await inDialog('Copy as file');
  expect(await copied()).toBe(await readFile(path, 'utf8'));
  await dialog().getByRole('tab', { name: 'Base64' }).click();
  await inDialog('Copy as base64');
  base64 = await copied();
  expect(JSON.parse(Buffer.from(base64, 'base64').toString())).toEqual(file);
  await dialog().getByRole('tab', { name: 'Environment' }).click();
  await inDialog('Copy as environment');
  expect(await copied()).toBe(`SALLYPORT_SERVICE_KEY=env:SALLYPORT_KEY\nSALLYPORT_KEY=${base64}\n`);
  for (const [tab, text] of [
    ['Linux host', 'sallyportd setup --headless service_key.json'],
    ['Docker', 'docker run'],
  ] as const) {
    await dialog().getByRole('tab', { name: tab }).click();
    await dialog().getByText(text).waitFor();
  }
  await dialog().getByRole('tab', { name: 'File' }).click();
  expect(await look(page, 'services-key-secret')).toEqual([]);

  // Nothing but the button ends what is shown once.
  await page.keyboard.press('Escape');
  await inDialog('I have saved the key');
  await dialog().waitFor({ state: 'detached' });
  await row('build-1').getByText('Active', { exact: true }).waitFor();
  const secret = secretOf(file);
  expect(await page.content()).not.toContain(secret);
  expect(await page.content()).not.toContain(base64.slice(200, 240));
  const stored = 'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, history.state])';
  expect(await page.evaluate<string>(stored)).not.toContain(secret);
});

test('no private key left the browser: what was sent is the public half alone', async () => {
  const made = sent.filter((text) => text.includes('/keys') && text.includes('public_key'));
  expect(made).toHaveLength(1);
  expect(made[0]).toMatch(/"public_key":{"kty":"EC","crv":"P-256","x":"[\w-]+","y":"[\w-]+"}/);
  // In either alphabet of base64, and in none of its fields.
  const { d } = await importedJwk(file.private_key);
  for (const text of sent) {
    expect(text).not.toContain('PRIVATE KEY');
    expect(text).not.toContain(secretOf(file));
    expect(text).not.toContain(d);
  }
});

test('a sallyportd with the saved file fetches the page, and is seen live without a reload', async () => {
  client = await agents.client('client-1', { args: ['--service-key', path] });
  await client.line('client_ready');
  expect(await get('/')).toMatchObject({ status: 200, body: 'a private page\n' });
  await happened('closed').getByText(new URL(agents.url).host).first().waitFor();
  const region = page.getByRole('region', { name: 'Clients on the key build-1' });
  await region.getByText('127.0.0.1').waitFor();
  await row('build-1').getByText('1 live').waitFor();
  expect(await look(page, 'services-live')).toEqual([]);
});

test('the base64 of it works from the environment, and this Client alone is cut by its button', async () => {
  const env = { SALLYPORT_SERVICE_KEY: 'env:SALLYPORT_KEY', SALLYPORT_KEY: base64 };
  const other = await agents.client('client-2', { env });
  await other.line('client_ready');
  await row('build-1').getByText('2 live').waitFor();
  const { items } = await world.people.admin.get(`/service-keys/${file.key_id}/instances?live=true`);
  const newest = items
    .map(({ id }: Answer) => id)
    .sort()
    .at(-1);
  await row(newest).getByRole('button', { name: /^Cut/ }).click();
  expect(await look(page, 'services-cut')).toEqual([]);
  await inDialog('Cut');
  await row('build-1').getByText('1 live').waitFor();
  expect(await get('/')).toMatchObject({ status: 200 });
  await other.stop();
});

test('what is not granted is denied, and the key that is revoked is cut: its next attempt is refused', async () => {
  expect(await requestThrough(client.proxy, 'http://127.84.0.99:1/')).toMatchObject({ status: 403 });
  const denied = happened('denied').filter({ hasText: '127.84.0.99:1' });
  await denied.waitFor();
  expect(await denied.textContent()).toContain('Grant the Resource to the Service Account');
  const cut = endless(client.proxy, `${agents.url}/endless`);
  await cut.begun;
  await press('Revoke build-1');
  await dialog().getByText('The Client that runs on it').waitFor();
  await inDialog('Revoke');
  await row('build-1').getByText('Revoked', { exact: true }).waitFor();
  // Of its own row: those of Recent Activity name the key too.
  const own = row(file.key_id).getByRole('button');
  expect(await own.allTextContents()).toEqual(['Delete']);
  await cut.ended;
  expect(await client.exited).toBe(3);
  await page.getByText(errors.revoked.title).first().waitFor();
  await page.getByText('No Client runs on any of these keys.').waitFor();

  const again = await agents.client('client-3', { args: ['--service-key', path] });
  expect(await again.exited).toBe(3);
  expect(again.output()).toMatch(/revoked/);
  expect(await look(page, 'services-revoked')).toEqual([]);
});

/** A part of the private half that is in no public one. */
const secretOf = ({ private_key: pem }: { private_key: string }): string => pem.split('\n')[1]!.slice(-24);

async function importedJwk(pem: string): Promise<{ d: string }> {
  const { createPrivateKey } = await import('node:crypto');
  return createPrivateKey(pem).export({ format: 'jwk' }) as { d: string };
}

/** A request through the proxy whose answer never ends by itself. */
function endless(proxy: string, url: string): { begun: Promise<void>; ended: Promise<void> } {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const { hostname, port } = new URL(proxy);
  const asked = request({ hostname, port, path: url, headers: { host: new URL(url).host } }, (response) => {
    response.once('data', () => begun.resolve());
    response.once('close', () => ended.resolve()).on('error', () => {});
  });
  asked.on('error', () => ended.resolve()).end();
  return { begun: begun.promise, ended: ended.promise };
}
