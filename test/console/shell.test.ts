/** The console's frame: the login on the way in, roles, the policy on scripts, the way out. */
import { gzipSync } from 'node:zlib';
import type { Page, Response } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConsoleWorld, look } from './console-world.ts';

let world: ConsoleWorld;
beforeAll(async () => {
  world = await ConsoleWorld.start();
}, 120_000);
afterAll(() => world?.stop());

const complaints = (page: Page): string[] => {
  const said: string[] = [];
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  return said;
};

test('somebody who is not logged in comes back from their identity provider to the page that they asked for', async () => {
  const context = await world.browser();
  const page = await world.logIn(context, 'olive', '/groups?q=ops');
  await page.getByRole('heading', { level: 1, name: 'Groups' }).waitFor();
  expect(new URL(page.url()).pathname).toBe(new URL(world.url('/groups')).pathname);
  expect(new URL(page.url()).searchParams.get('q')).toBe('ops');
  await context.close();
});

test('the page runs under its policy without a complaint, in both schemes and widths, and axe finds nothing serious', async () => {
  const context = await world.browser();
  const page = await world.logIn(context, 'olive', '/groups');
  const said = complaints(page);
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Groups' }).waitFor();
  expect(await look(page, 'groups')).toEqual([]);
  expect(said).toEqual([]);
  await context.close();
});

test('a script that somebody got into the page does not run', async () => {
  const context = await world.browser();
  const page = await world.logIn(context, 'olive', '/');
  const ran = await page.evaluate(`(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.injected = true';
    document.body.append(script);
    return 'injected' in globalThis;
  })()`);
  expect(ran).toBe(false);
  await context.close();
});

test('the first load brings less than 250 kB of script, gzipped', async () => {
  const context = await world.browser();
  const page = await context.newPage();
  const scripts: Response[] = [];
  page.on('response', (response) => void (response.url().endsWith('.js') && scripts.push(response)));
  await page.goto(`${world.people.administration.controller.url}/setup`);
  // The page's own script comes after the frame's, between which the network may be idle.
  await page.getByRole('heading', { level: 1, name: 'Set up Sallyport' }).waitFor();
  await page.waitForLoadState('networkidle');
  const sizes = await Promise.all(scripts.map(async (one) => gzipSync(await one.body()).length));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(250_000);
  await context.close();
});

test('a group is made, and its page opens', async () => {
  const context = await world.browser();
  const page = await world.logIn(context, 'olive', '/groups');
  await page.getByRole('button', { name: 'Create a group' }).first().click();
  await page.getByLabel('Name').fill('night watch');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL(/\/console\/groups\/grp_/);
  await context.close();
});

test('settings are changed, and stay', async () => {
  const context = await world.browser();
  const page = await world.logIn(context, 'olive', '/settings');
  const days = page.getByRole('textbox', { name: 'How long Recent Activity is kept' });
  await days.fill('45');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Settings saved').waitFor();
  await page.reload();
  await days.waitFor();
  expect(await days.inputValue()).toBe('45');
  expect(await look(page, 'settings')).toEqual([]);
  await context.close();
});

test('a keyboard alone is enough: to the content, to a button, through a dialog and back', async () => {
  const context = await world.browser();
  const page = await world.logIn(context, 'olive', '/groups');
  await page.getByRole('heading', { level: 1, name: 'Groups' }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Create a group');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('INPUT');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Create a group');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('textbox').fill('by keyboard');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/console\/groups\/grp_/);
  await context.close();
});

test('who logs out is logged out: the same page asks for a login', async () => {
  const context = await world.browser();
  const page = await world.logIn(context, 'olive', '/');
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.waitForURL((url) => !url.pathname.includes('/console'));
  const answer = await context.request.get(`${world.people.tenant.url}/api/v1/session`);
  expect(answer.status()).toBe(401);
  await context.close();
});
