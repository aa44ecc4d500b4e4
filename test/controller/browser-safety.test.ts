/**
 * What another site, or another person at the same browser, can do with somebody's session: nothing. Policies on
 * scripts, attributes of cookies, forged requests, planted sessions, redirects that lead elsewhere.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startController } from '#workers/local/start.ts';
import { Admin } from '../world/admin.ts';
import { Browser } from '../world/browser.ts';
import { PeopleWorld } from './people-world.ts';

let world: PeopleWorld;
beforeAll(async () => {
  world = await PeopleWorld.start();
}, 60_000);
afterAll(() => world?.stop());

test('no page runs a script that is not a file of its own, or stands in a frame', async () => {
  const { url } = world.tenant;
  for (const path of ['/console/', '/console/people', '/device', '/login/callback', '/oauth/authorize']) {
    const { headers } = await new Browser().open(url + path);
    const policy = headers.get('content-security-policy') ?? '';
    const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? /default-src ([^;]*)/.exec(policy)?.[1];
    expect([path, scripts]).toEqual([path, path.startsWith('/console') ? "'self'" : "'none'"]);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("base-uri 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toContain('no-store');
  }
});

test('cookies are for the Tenant’s own pages alone: of no script, of no other Tenant, of no other site’s forms', async () => {
  const { browser } = await world.login('olive');
  const onItsWay = new Browser();
  await onItsWay.open(`${world.tenant.url}/login`, /\/interaction\//);
  for (const [who, name] of [
    [browser, 'sallyport_session'],
    [onItsWay, 'sallyport_login'],
  ] as const) {
    const { raw } = who.cookies.find((one) => one.name === name)!;
    expect(raw).toMatch(/; HttpOnly/i);
    expect(raw).toMatch(/; SameSite=Lax/i);
    expect(raw).toMatch(new RegExp(`; Path=/t/${world.tenant.slug}(;|$)`, 'i'));
    expect(raw).not.toMatch(/; Domain=/i);
  }
});

test('over HTTPS, cookies never travel without it', async () => {
  const controller = await startController({ baseUrl: 'https://sallyport.example', onLog: () => {} });
  const operator = new Admin(controller.url, controller.operatorToken);
  const { api_token } = await operator.post('/tenants', { slug: 'secure' });
  const admin = new Admin(`${controller.url}/t/secure`, api_token.token);
  const provider = { name: 'ID', issuer: world.idp.issuer, client_id: 'sallyport' };
  await admin.post('/identity-providers', provider);
  const response = await fetch(`${controller.url}/t/secure/login`, { redirect: 'manual' });
  expect(response.status).toBe(302);
  expect(response.headers.getSetCookie().join()).toMatch(/; Secure/i);
  await controller.stop();
});

test('a request that another site’s page makes changes nothing, however it is dressed', async () => {
  const { browser } = await world.login('olive');
  const cookie = `sallyport_session=${browser.cookie('sallyport_session')}`;
  const forged: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' },
    { 'sec-fetch-site': 'same-site', 'content-type': 'application/json' },
    { 'sec-fetch-site': 'none', 'content-type': 'application/json' },
    // A browser that does not send Fetch Metadata.
    { origin: 'https://evil.example', 'content-type': 'application/json' },
    { origin: 'null', 'content-type': 'application/json' },
    { 'content-type': 'application/json' },
    // What a form can send without asking first.
    { 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' },
    { origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' },
  ];
  for (const headers of forged)
    for (const [method, path] of [
      ['POST', '/groups'],
      ['PATCH', '/tenant'],
      ['DELETE', '/groups/grp_00000000000000000000000000'],
    ] as const) {
      const told = await world.administration.ask(method, `${world.tenant.url}/api/v1${path}`, {
        headers: { cookie, ...headers },
        body: JSON.stringify({ name: 'forged' }),
      });
      expect([headers, method, told.status]).toEqual([headers, method, 403]);
    }
  expect((await world.admin.get('/groups')).items).toEqual([]);
  expect((await world.admin.get('/tenant')).name).toBe('Acme');
  for (const headers of forged) {
    const told = await world.administration.ask('POST', `${world.tenant.url}/logout`, {
      headers: { cookie, ...headers },
    });
    expect([headers, told.status]).toEqual([headers, 403]);
  }
  expect((await world.ask(browser, 'GET', '/session')).status).toBe(200);
});

test('a session that was planted beforehand is nobody’s after the login', async () => {
  const mallory = await world.login('olive');
  const planted = mallory.browser.cookie('sallyport_session')!;
  await mallory.browser.ask('POST', `${world.tenant.url}/logout`);
  const victim = new Browser();
  const { url, slug } = world.tenant;
  const { origin } = new URL(url);
  victim.cookies.push({ name: 'sallyport_session', value: planted, origin, path: `/t/${slug}`, raw: '' });
  await world.login('olive', victim);
  expect(victim.cookie('sallyport_session')).not.toBe(planted);
  const told = await world.administration.ask('GET', `${url}/api/v1/session`, {
    headers: { cookie: `sallyport_session=${planted}`, 'sec-fetch-site': 'same-origin' },
  });
  expect(told.status).toBe(401);
});

test('a login leads to a page of the console and nowhere else', async () => {
  const { browser } = await world.login('olive');
  for (const elsewhere of [
    'https://evil.example/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/console/../../../evil',
    '/console/\r\nLocation: https://evil.example',
    '/console@evil.example',
    '/console.evil.example/',
    'javascript:alert(1)',
    'data:text/html,x',
    '/console/#@evil.example',
    '/api/v1/session',
  ]) {
    const query = `?return_to=${encodeURIComponent(elsewhere)}`;
    const page = await browser.open(`${world.tenant.url}/login${query}`, /\/console|evil|\/api\//);
    const there = page.url.includes('/interaction/')
      ? await world.choose(browser, page, 'olive', /\/console|evil|\/api\//)
      : page;
    const { origin, pathname } = new URL(there.url);
    expect([elsewhere, origin]).toEqual([elsewhere, new URL(world.tenant.url).origin]);
    expect([elsewhere, pathname.startsWith(`/t/${world.tenant.slug}/`)]).toEqual([elsewhere, true]);
    expect([elsewhere, pathname]).not.toEqual([elsewhere, `/t/${world.tenant.slug}/api/v1/session`]);
  }
});

test('no secret stands in an address on the way in', async () => {
  const { browser, page } = await world.login('olive');
  const session = browser.cookie('sallyport_session')!;
  expect(page.hops.join(' ')).not.toContain(session);
  expect(page.hops.join(' ')).not.toMatch(/sp[celtsu]_/);
});
