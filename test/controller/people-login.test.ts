/**
 * People log in to the console at a real OpenID provider, through real workerd: the first run, who is let in
 * and who is not, what a session is worth, and what somebody else's page or login cannot do with it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scopeNouns } from '#schema/people/scopes.ts';
import { Browser } from '../world/browser.ts';
import { PeopleWorld, type Who } from './people-world.ts';

let world: PeopleWorld;
beforeAll(async () => {
  world = await PeopleWorld.start();
  for (const [email, role] of [
    ['adam@acme.example', 'admin'],
    ['dora@acme.example', 'devops'],
    ['sam@acme.example', 'support'],
    ['alma@acme.example', 'auditor'],
  ])
    await world.admin.post('/users', { email, role });
}, 60_000);
afterAll(() => world?.stop());

const sessionOf = async (browser: Browser) => (await world.ask(browser, 'GET', '/session')).body;

describe('the first run', () => {
  test('a setup code makes one Tenant, whose owner logs in at its identity provider', async () => {
    const { browser, page } = await world.login('olive');
    expect(page.url).toBe(`${world.tenant.url}/console/`);
    expect(await sessionOf(browser)).toMatchObject({
      tenant: { slug: world.tenant.slug },
      user: { user_name: 'olive@acme.example', role: 'owner', source: 'setup' },
      scopes: ['*'],
    });
  });

  test('a code works once, and a wrong one never', async () => {
    const { operator, controller } = world.administration;
    const body = (code: string, slug: string) => ({
      headers: { 'content-type': 'application/json', authorization: `Bearer ${code}` },
      body: JSON.stringify({
        slug,
        name: 'Other',
        owner_email: 'o@o.example',
        identity_provider: { name: 'ID', issuer: world.idp.issuer, client_id: 'c' },
      }),
    });
    const { code } = await operator.post('/setup-codes');
    const setup = (with_: string, slug: string) =>
      world.administration.ask('POST', `${controller.url}/api/v1/setup`, body(with_, slug));
    expect((await setup(code, world.tenant.slug)).body.code).toBe('name_taken');
    expect((await setup(code, 'other')).status).toBe(201);
    expect((await setup(code, 'another')).body.code).toBe('unauthenticated');
    expect((await setup(`spu_${'A'.repeat(43)}`, 'another')).body.code).toBe('unauthenticated');
  });
});

describe('who is let in', () => {
  test('somebody new becomes a user without a role, and is told so', async () => {
    const { browser, page } = await world.login('nora');
    expect(page.status).toBe(403);
    expect(page.text).toContain('has no role in the console');
    expect(browser.cookie('sallyport_session')).toBeUndefined();
    const { items } = await world.admin.get('/users?q=NORA');
    expect(items).toMatchObject([
      { user_name: 'nora@acme.example', name: 'Nora Newcomer', source: 'login', role: null },
    ]);
  });

  test.each<[Who, string]>([
    ['eve', 'domain_not_allowed'],
    ['una', 'email_unverified'],
    ['mallory', 'user_unknown'],
  ])('%s is not: %s', async (who, code) => {
    await world.login('olive');
    const { page, browser } = await world.login(who);
    expect(page.status).toBe(403);
    expect(page.text).toContain(code);
    expect(browser.cookie('sallyport_session')).toBeUndefined();
  });

  test('nobody whom an administrator has deactivated, at once and until they are let in again', async () => {
    const { browser } = await world.login('sam');
    const { user } = await sessionOf(browser);
    await world.admin.patch(`/users/${user.id}`, { active: false });
    expect((await world.ask(browser, 'GET', '/session')).status).toBe(401);
    expect((await world.login('sam')).page.text).toContain('user_inactive');
    await world.admin.patch(`/users/${user.id}`, { active: true });
    expect((await world.login('sam')).page.url).toContain('/console/');
  });

  test('nobody by a provider that is disabled or gone', async () => {
    const [provider] = (await world.admin.get('/identity-providers')).items;
    await world.admin.patch(`/identity-providers/${provider.id}`, { enabled: false });
    const refused = await new Browser().open(`${world.tenant.url}/login`);
    expect(refused.text).toContain('idp_missing');
    await world.admin.patch(`/identity-providers/${provider.id}`, { enabled: true });
  });
});

describe('a login under way', () => {
  test('is finished by the browser that began it alone, and once', async () => {
    const browser = new Browser();
    const at = await browser.open(`${world.tenant.url}/login`);
    const returned = await world.choose(browser, at, 'adam', /\/login\/callback/);
    expect((await new Browser().open(returned.url)).text).toContain('login_expired');
    const lured = new Browser();
    await lured.open(`${world.tenant.url}/login`);
    expect((await lured.open(returned.url)).text).toContain('login_expired');
    expect((await browser.open(returned.url, /\/console\//)).url).toContain('/console/');
    expect((await browser.open(returned.url)).text).toContain('login_expired');
  });

  test('with another state, issuer or code comes to nothing', async () => {
    for (const [name, value] of [
      ['state', 'x'.repeat(43)],
      ['iss', 'https://evil.example'],
      ['code', 'made-up'],
    ] as const) {
      const browser = new Browser();
      const at = await browser.open(`${world.tenant.url}/login`);
      const { url } = await world.choose(browser, at, 'adam', /\/login\/callback/);
      const changed = new URL(url);
      changed.searchParams.set(name, value);
      const page = await browser.open(changed.href);
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect(browser.cookie('sallyport_session')).toBeUndefined();
    }
  });

  test('comes back to the page of the console that was asked for, and to no other site', async () => {
    const to = async (returnTo: string) =>
      (await world.login('adam', new Browser(), `?return_to=${encodeURIComponent(returnTo)}`)).page.url;
    expect(await to('/console/resources?tag=a')).toBe(`${world.tenant.url}/console/resources?tag=a`);
    for (const elsewhere of [
      'https://evil.example/',
      '//evil.example/console/',
      '/\\evil.example',
      '/console/../../x',
      'javascript:alert(1)',
    ])
      expect(new URL(await to(elsewhere)).origin).toBe(new URL(world.tenant.url).origin);
  });
});

describe('a session', () => {
  test('is a cookie that no script reads, of this Tenant alone; another login is another value', async () => {
    const first = await world.login('olive');
    const cookie = first.browser.cookies.find(({ name }) => name === 'sallyport_session')!;
    expect(cookie.raw).toMatch(/HttpOnly/i);
    expect(cookie.raw).toMatch(/SameSite=Lax/i);
    expect(cookie.path).toBe(`/t/${world.tenant.slug}`);
    // Fixed beforehand by somebody else, a value is worth nothing after the login.
    const planted = cookie.value;
    await world.login('olive', first.browser);
    expect(first.browser.cookie('sallyport_session')).not.toBe(planted);
    const text = JSON.stringify(world.administration.logs);
    expect(text).not.toContain(cookie.value);
  });

  test('a page of another origin can neither change nor ask anything with it', async () => {
    const { browser } = await world.login('olive');
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }] as Record<
      string,
      string
    >[]) {
      const told = await world.ask(browser, 'POST', '/remote-networks', { name: 'forged' }, headers);
      expect(told).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    const { body } = await world.ask(browser, 'GET', '/remote-networks');
    expect(body.items).toEqual([]);
    const logout = await browser.ask('POST', `${world.tenant.url}/logout`, undefined, {
      'sec-fetch-site': 'cross-site',
    });
    expect(logout.status).toBe(403);
    expect((await world.ask(browser, 'GET', '/session')).status).toBe(200);
  });

  test('ends with the log-out, and by an administrator’s hand', async () => {
    const { browser } = await world.login('olive');
    const copy = browser.cookie('sallyport_session')!;
    expect((await browser.ask('POST', `${world.tenant.url}/logout`)).status).toBe(204);
    expect(browser.cookie('sallyport_session')).toBeUndefined();
    const kept = await world.administration.ask('GET', `${world.tenant.url}/api/v1/session`, {
      headers: { cookie: `sallyport_session=${copy}`, 'sec-fetch-site': 'same-origin' },
    });
    expect(kept.status).toBe(401);

    const adam = await world.login('adam');
    const { user } = await sessionOf(adam.browser);
    const listed = (await world.admin.get(`/console-sessions?user_id=${user.id}&limit=200`)).items;
    const live = listed.filter(({ state }: { state: string }) => state === 'active').at(-1);
    expect(JSON.stringify(listed)).not.toContain(adam.browser.cookie('sallyport_session'));
    await world.admin.post(`/console-sessions/${live.id}/revoke`);
    expect((await world.ask(adam.browser, 'GET', '/session')).status).toBe(401);
  });

  test('runs out an hour after its last use; its cookie is replaced meanwhile', async () => {
    const { browser } = await world.login('alma');
    const first = browser.cookie('sallyport_session');
    const age = (ms: number) =>
      world.administration.sql(
        'UPDATE console_sessions SET rotated_at = rotated_at - ?, last_seen_at = last_seen_at - ?',
        ms,
        ms,
      );
    await age(16 * 60_000);
    expect((await world.ask(browser, 'GET', '/session')).status).toBe(200);
    expect(browser.cookie('sallyport_session')).not.toBe(first);
    const with_ = (cookie: string) =>
      world.administration.ask('GET', `${world.tenant.url}/api/v1/session`, {
        headers: { cookie: `sallyport_session=${cookie}`, 'sec-fetch-site': 'same-origin' },
      });
    // Requests that were on their way bear the old value; a minute later it is worth nothing.
    expect((await with_(first!)).status).toBe(200);
    await age(61_000);
    expect((await with_(first!)).status).toBe(401);
    await age(3_600_000);
    expect((await world.ask(browser, 'GET', '/session')).status).toBe(401);
  });
});

test('a page that nobody touches does not keep its session alive', async () => {
  const { browser } = await world.login('alma');
  const ends = async (headers: Record<string, string>) =>
    (await browser.ask('GET', `${world.tenant.url}/api/v1/session`, undefined, headers)).body.expires_at;
  await world.administration.sql('UPDATE console_sessions SET last_seen_at = last_seen_at - ?', 1_800_000);
  const before = await ends({ 'sallyport-unattended': '1' });
  expect(Date.parse(before) - Date.now()).toBeLessThan(1_800_001);
  expect(await ends({ 'sallyport-unattended': '1' })).toBe(before);
  await ends({});
  await expect
    .poll(async () => Date.parse(await ends({ 'sallyport-unattended': '1' })) - Date.now())
    .toBeGreaterThan(3_000_000);
});

test('each role may do what it says, by every kind of thing', async () => {
  const paths: Record<string, [string, string, unknown]> = {
    networks: ['POST', '/remote-networks', {}],
    resources: ['POST', '/resources', {}],
    users: ['POST', '/users', {}],
    policies: ['POST', '/policies', {}],
    idp: ['POST', '/identity-providers', {}],
    scim: ['POST', '/scim-tokens', {}],
    tokens: ['POST', '/api-tokens', {}],
  };
  const may: Record<string, string[]> = {
    olive: Object.keys(paths),
    adam: Object.keys(paths),
    dora: ['networks', 'resources'],
    sam: [],
    alma: [],
  };
  for (const [who, allowed] of Object.entries(may)) {
    const { browser } = await world.login(who as Who);
    for (const [noun, [method, path, body]] of Object.entries(paths)) {
      const { status } = await world.ask(browser, method, path, body);
      // 422: let in, and told that the body is wrong.
      expect([who, noun, status]).toEqual([who, noun, allowed.includes(noun) ? 422 : 403]);
    }
    const audit = await world.ask(browser, 'GET', '/audit');
    expect([who, audit.status]).toEqual([who, who === 'sam' ? 403 : 200]);
    expect((await sessionOf(browser)).scopes.length).toBeGreaterThan(0);
  }
  expect(scopeNouns).toEqual(expect.arrayContaining(Object.keys(paths)));
});

test('an admin makes no owner of anybody, and the last owner stays one', async () => {
  const { browser } = await world.login('adam');
  const [olive] = (await world.admin.get('/users?role=owner')).items;
  const [adam] = (await world.admin.get('/users?role=admin')).items;
  for (const [id, change] of [
    [adam.id, { role: 'owner' }],
    [olive.id, { role: 'admin' }],
    [olive.id, { active: false }],
  ])
    expect((await world.ask(browser, 'PATCH', `/users/${id}`, change)).body.code).toBe('forbidden');
  await expect(world.admin.patch(`/users/${olive.id}`, { role: 'admin' })).rejects.toMatchObject({
    problem: { code: 'last_owner' },
  });
  const { items } = await world.admin.get(`/audit?target=${adam.id}`);
  // He has linked himself by his first log-in; whatever else was done to him was not by his hand.
  const audit = items.filter(({ action }: { action: string }) => action !== 'user.link');
  expect(audit.length).toBeGreaterThan(0);
  expect(audit.every(({ actor }: { actor: string }) => actor.startsWith('tok_'))).toBe(true);
  await world.ask(browser, 'POST', '/remote-networks', { name: 'by adam' });
  const [made] = (await world.admin.get('/audit?action=remote_network.create')).items;
  expect(made).toMatchObject({ actor: adam.id, after: { name: 'by adam' } });
});
