/**
 * A person's login on a device, seen from the device: by redirect and by device code, what each is bound to,
 * what the session reaches through grants to the person and to their groups, what Security Policies withhold,
 * and what ends it.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signProof } from '#schema/token/proof.ts';
import { FakeAgent, type KeyPair, makeKeyPair, nonce } from '../fake/agent.ts';
import type { Answer } from '../world/admin.ts';
import { Browser } from '../world/browser.ts';
import { PeopleWorld, type Who } from './people-world.ts';

let world: PeopleWorld;
let network: string;
beforeAll(async () => {
  world = await PeopleWorld.start();
  network = (await world.admin.post('/remote-networks', { name: 'office' })).id;
}, 60_000);
afterAll(() => world?.stop());

const verifier = 'v'.repeat(64);
const challenge = createHash('sha256').update(verifier).digest('base64url');
const redirectUri = 'http://127.0.0.1:49152/callback';

async function thumbprint({ publicJwk: { crv, kty, x, y } }: KeyPair): Promise<string> {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

async function post(path: string, key: KeyPair, fields: Record<string, string>): Promise<Answer> {
  const url = world.tenant.url + path;
  const dpop = await signProof({ method: 'POST', url, nowMs: Date.now(), jti: nonce(), ...key });
  const response = await fetch(url, { method: 'POST', headers: { dpop }, body: new URLSearchParams(fields) });
  return { status: response.status, ...((await response.json()) as object) };
}

/** The browser's part: @returns the code that came back. */
async function codeFor(who: Who, key: KeyPair, more: Record<string, string> = {}): Promise<string> {
  const browser = new Browser();
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'sallyport-client',
    redirect_uri: redirectUri,
    state: 'a state of the client',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    dpop_jkt: await thumbprint(key),
    hostname: 'laptop',
    platform: 'linux',
    version: '1.4.0',
    ...more,
  });
  const at = await browser.open(`${world.tenant.url}/oauth/authorize?${query}`);
  const back = await world.choose(browser, at, who, /^http:\/\/127\.0\.0\.1:49152/);
  const { searchParams } = new URL(back.url);
  expect(searchParams.get('state')).toBe('a state of the client');
  expect(searchParams.get('iss')).toBe(world.tenant.url);
  return searchParams.get('code')!;
}

const redeem = (code: string, key: KeyPair, more: Record<string, string> = {}) =>
  post('/oauth/token', key, {
    grant_type: 'authorization_code',
    client_id: 'sallyport-client',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...more,
  });

async function loggedIn(who: Who): Promise<{ key: KeyPair; made: Answer; agent: FakeAgent }> {
  const key = await makeKeyPair();
  const made = await redeem(await codeFor(who, key), key);
  expect(made).toMatchObject({ status: 200, session_id: expect.stringMatching(/^uss_/) });
  return { key, made, agent: await FakeAgent.client(world.tenant.url, made.session_id, key) };
}

const resource = async (address: string, more: object = {}) =>
  (await world.admin.post('/resources', { name: address, remote_network_id: network, address, ...more })).id;

const aclOf = (answer: Answer) => {
  const entry = answer.client.networks[network];
  const claims = entry && JSON.parse(Buffer.from(entry.acl.split('.')[1], 'base64url').toString());
  return {
    addresses: (claims?.acl.resources ?? []).map((one: Answer) => one.address),
    resources: claims?.acl.resources ?? [],
    withheld: entry?.withheld ?? [],
    sub: claims?.sub,
  };
};

async function acl(agent: FakeAgent) {
  const { status, body } = await agent.login();
  expect(status).toBe(200);
  return aclOf(body);
}

describe('by redirect', () => {
  test('a code is good once, for the key, the verifier and the address that asked', async () => {
    const key = await makeKeyPair();
    const other = await makeKeyPair();
    const code = await codeFor('adam', key);
    expect((await redeem(code, other)).code).toBe('proof_invalid');
    expect((await redeem(code, key, { code_verifier: 'w'.repeat(64) })).error).toBe('invalid_grant');
    expect((await redeem(code, key, { redirect_uri: 'http://127.0.0.1:1/callback' })).error).toBe(
      'invalid_grant',
    );
    expect(await redeem(code, key)).toMatchObject({ status: 200, user_name: 'adam@acme.example' });
    expect((await redeem(code, key)).error).toBe('invalid_grant');
  });

  test('a code goes to loopback alone', async () => {
    for (const redirect of [
      'https://evil.example/callback',
      'http://127.0.0.1.evil.example:1/callback',
      'http://localhost:1/callback',
    ]) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: 'sallyport-client',
        redirect_uri: redirect,
        state: 'a state of the client',
        code_challenge: challenge,
        code_challenge_method: 'S256',
        dpop_jkt: await thumbprint(await makeKeyPair()),
      });
      const page = await new Browser().open(`${world.tenant.url}/oauth/authorize?${query}`);
      expect(page).toMatchObject({ status: 400, url: expect.stringContaining(world.tenant.url) });
    }
  });
});

describe('by device code', () => {
  const start = (key: KeyPair) =>
    post('/oauth/device_authorization', key, {
      client_id: 'sallyport-client',
      hostname: 'build box',
      platform: 'linux',
    });
  const poll = (key: KeyPair, device: string) =>
    post('/oauth/token', key, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: 'sallyport-client',
      device_code: device,
    });
  const confirmAs = async (who: Who, userCode: string) => {
    const browser = new Browser();
    const typed = userCode.toLowerCase().replace('-', ' ');
    const at = await browser.open(`${world.tenant.url}/device?go=1&user_code=${encodeURIComponent(typed)}`);
    const page = await world.choose(browser, at, who);
    const approval = /name="approval" value="([^"]+)"/.exec(page.text)?.[1];
    return { browser, page, approval };
  };

  test('waits until somebody has seen which device it is and has let it in', async () => {
    const key = await makeKeyPair();
    const started = await start(key);
    expect(started).toMatchObject({
      status: 200,
      user_code: expect.stringMatching(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/),
    });
    expect((await poll(key, started.device_code)).error).toBe('authorization_pending');
    expect((await poll(key, started.device_code)).error).toBe('slow_down');
    const { browser, page, approval } = await confirmAs('dora', started.user_code);
    expect(page.text).toContain('build box');
    expect(page.text).toContain('dora@acme.example');
    expect((await poll(key, started.device_code)).error).toMatch(/authorization_pending|slow_down/);
    // What is in the form is worth nothing in another browser.
    const stolen = await new Browser().submit(page.url, `${world.tenant.url}/device`, {
      approval: approval!,
      decision: 'allow',
    });
    expect(stolen.text).toContain('login_expired');
    const done = await browser.submit(page.url, `${world.tenant.url}/device`, {
      approval: approval!,
      decision: 'allow',
    });
    expect(done.text).toContain('The device is in');
    expect((await poll(await makeKeyPair(), started.device_code)).code).toBe('proof_invalid');
    expect(await poll(key, started.device_code)).toMatchObject({
      status: 200,
      user_name: 'dora@acme.example',
    });
    expect((await poll(key, started.device_code)).error).toBe('invalid_grant');
  });

  test('can be refused, and a code that is none leads nowhere', async () => {
    const key = await makeKeyPair();
    const started = await start(key);
    const { browser, page, approval } = await confirmAs('dora', started.user_code);
    await browser.submit(page.url, `${world.tenant.url}/device`, { approval: approval!, decision: 'refuse' });
    expect((await poll(key, started.device_code)).error).toBe('access_denied');
    const wrong = await new Browser().open(`${world.tenant.url}/device?go=1&user_code=BBBB-BBBB`);
    expect(wrong.text).toContain('There is no such code');
  });
});

describe('a session', () => {
  test('reaches what is granted to the person and to their groups, and loses it with either', async () => {
    const { agent, made } = await loggedIn('nora');
    expect((await acl(agent)).addresses).toEqual([]);
    const [own, shared] = [await resource('own.internal'), await resource('shared.internal')];
    await world.admin.post('/grants', { resource_id: own, user_id: made.user_id });
    const group = await world.admin.post('/groups', { name: 'builders' });
    await world.admin.post('/grants', { resource_id: shared, group_id: group.id });
    await world.admin.post('/grants', {
      resource_id: own,
      group_id: group.id,
      expires_at: '2030-01-01T00:00:00Z',
    });
    expect((await acl(agent)).addresses).toEqual(['own.internal']);
    await world.admin.post(`/groups/${group.id}/members`, { user_id: made.user_id });
    const both = await acl(agent);
    expect(both.addresses.sort()).toEqual(['own.internal', 'shared.internal']);
    expect(both.sub).toBe(made.user_id);
    // The grant without an end counts.
    expect(both.resources.find((one: Answer) => one.address === 'own.internal').until).toBeUndefined();

    const channel = await agent.channel();
    channel.hello();
    await channel.take('client_acl');
    await world.admin.delete(`/groups/${group.id}/members/${made.user_id}`);
    const pushed = await channel.take('client_acl');
    const told = aclOf({ client: { networks: pushed.networks } });
    expect(told.addresses).toEqual(['own.internal']);
    channel.socket.close();
  });

  test('of somebody who is deactivated ends at once, on the channel too', async () => {
    const { agent, made } = await loggedIn('alma');
    await agent.login();
    const channel = await agent.channel();
    channel.hello();
    await channel.take('welcome');
    await world.admin.patch(`/users/${made.user_id}`, { active: false });
    expect((await channel.take('refused')).code).toMatch(/^(session_ended|user_inactive)$/);
    expect((await agent.login()).body).toMatchObject({ code: 'user_inactive' });
    await world.admin.patch(`/users/${made.user_id}`, { active: true });
    // The session is final; a new login works.
    expect((await agent.login()).body).toMatchObject({ code: 'session_ended' });
    const again = await loggedIn('alma');
    expect((await again.agent.login()).status).toBe(200);
  });

  test('is listed with its device, and an administrator ends it with a receipt', async () => {
    const { agent, made } = await loggedIn('sam');
    await agent.login();
    const { items } = await world.admin.get(`/user-sessions?user_id=${made.user_id}`);
    expect(items).toMatchObject([
      { id: made.session_id, hostname: 'laptop', platform: 'linux', version: '1.4.0', state: 'active' },
    ]);
    const ended = await world.admin.post(`/user-sessions/${made.session_id}/revoke`);
    expect(ended).toMatchObject({ state: 'revoked', receipt: { complete: true } });
    expect((await agent.login()).body.code).toBe('session_ended');
  });
});

describe('somebody who may not end sessions', () => {
  test.each(['support', 'devops', 'auditor'] as const)('as %s ends their own, and no other', async (role) => {
    const who = { support: 'sam', devops: 'dora', auditor: 'alma' }[role] as 'sam' | 'dora' | 'alma';
    const { items: found } = await world.admin.get(`/users?q=${who}@acme.example`);
    const { id } = found[0] ?? (await world.admin.post('/users', { email: `${who}@acme.example` }));
    await world.admin.patch(`/users/${id}`, { role });
    const [{ browser }, { browser: forgotten }] = [await world.login(who), await world.login(who)];
    const device = await world.loginOnDevice(who);
    const end = (path: string) => world.ask(browser, 'POST', `${path}/revoke`);
    const sessions = async (of: string) => (await world.admin.get(`/console-sessions?user_id=${of}`)).items;
    const active = (await sessions(id)).filter(({ state }: Answer) => state === 'active');
    const { id: newest } = active.at(-1);
    expect(await end(`/console-sessions/${newest}`)).toMatchObject({
      status: 200,
      body: { state: 'revoked' },
    });
    expect((await world.ask(forgotten, 'GET', '/session')).status).toBe(401);
    expect(await end(`/user-sessions/${device.id}`)).toMatchObject({
      status: 200,
      body: { state: 'revoked' },
    });

    await world.login('olive');
    const olive = (await world.admin.get('/users?q=olive@acme.example')).items[0].id;
    const { id: theirs } = (await sessions(olive)).at(-1);
    for (const path of [
      `/console-sessions/${theirs}`,
      '/console-sessions/ses_none',
      '/user-sessions/uss_none',
    ])
      expect(await end(path)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const audit = (await world.admin.get(`/audit?q=${newest}`)).items;
    expect(audit).toContainEqual(expect.objectContaining({ action: 'console_session.revoke', actor: id }));
  });
});

describe('a Security Policy', () => {
  test('withholds what it stands over, names its rule, and is never asked of a Service', async () => {
    const strict = await world.admin.post('/policies', { name: 'strict', rules: { amr: ['otp', 'hwk'] } });
    const vault = await resource('vault.internal', { policy_id: strict.id });
    const open = await resource('wiki.internal');
    const olive = await loggedIn('olive');
    const adam = await loggedIn('adam');
    const account = await world.admin.post('/service-accounts', { name: 'robot' });
    for (const one of [vault, open]) {
      for (const user of [olive, adam])
        await world.admin.post('/grants', { resource_id: one, user_id: user.made.user_id });
      await world.admin.post('/grants', { resource_id: one, service_account_id: account.id });
    }
    expect((await acl(olive.agent)).addresses.sort()).toEqual(['vault.internal', 'wiki.internal']);
    const kept = await acl(adam.agent);
    expect(kept.addresses).toEqual(['wiki.internal']);
    expect(kept.withheld).toEqual([{ address: 'vault.internal', policy: 'strict', reason: 'amr' }]);
    const own = await makeKeyPair();
    const key = await world.admin.post(`/service-accounts/${account.id}/keys`, {
      name: 'k',
      public_key: own.publicJwk,
    });
    const robot = await FakeAgent.client(world.tenant.url, key.id, own);
    expect((await acl(robot)).addresses.sort()).toEqual(['vault.internal', 'wiki.internal']);
  });

  test('as the default counts for all others, and a change of it reaches sessions at once', async () => {
    const dora = await loggedIn('dora');
    const target = await resource('default.internal');
    await world.admin.post('/grants', { resource_id: target, user_id: dora.made.user_id });
    await dora.agent.login();
    const channel = await dora.agent.channel();
    channel.hello();
    await channel.take('client_acl');
    const policy = await world.admin.post('/policies', { name: 'usual', rules: { session_seconds: 3600 } });
    await world.admin.patch(`/policies/${policy.id}`, { is_default: true });
    const bounded = aclOf({ client: { networks: (await channel.take('client_acl')).networks } });
    const { until } = bounded.resources[0];
    expect(Math.abs(until - (Date.now() / 1000 + 3600))).toBeLessThan(60);
    await world.admin.patch(`/policies/${policy.id}`, { rules: { min_version: '2.0' } });
    const told = aclOf({ client: { networks: (await channel.take('client_acl')).networks } });
    expect(told).toMatchObject({ addresses: [], withheld: [{ policy: 'usual', reason: 'min_version' }] });
    channel.socket.close();
    await world.admin.delete(`/policies/${policy.id}`);
  });

  test('is asked for at the identity provider: how, and how recently, somebody proves who they are', async () => {
    const rules = { acr: ['mfa'], reauthenticate_seconds: 600 };
    const usual = await world.admin.post('/policies', { name: 'proven', rules });
    await world.admin.patch(`/policies/${usual.id}`, { is_default: true });
    const keys = await world.admin.post('/policies', { name: 'by key', rules: { acr: ['phr', 'mfa'] } });
    const target = await resource('proven.internal');
    await resource('by-key.internal', { policy_id: keys.id });
    // Stands over nothing, so nobody is asked for it.
    await world.admin.post('/policies', { name: 'unused', rules: { acr: ['never'] } });
    const askedFor = async (more: Record<string, string>) => {
      const query = new URLSearchParams({
        ...{ response_type: 'code', client_id: 'sallyport-client', redirect_uri: redirectUri },
        ...{ state: 'a state of the client', code_challenge: challenge, code_challenge_method: 'S256' },
        ...{ dpop_jkt: await thumbprint(await makeKeyPair()), ...more },
      });
      const at = await new Browser().open(`${world.tenant.url}/oauth/authorize?${query}`);
      const there = new URL(at.hops.find((hop) => hop.startsWith(`${world.idp.issuer}/auth?`))!);
      return ['acr_values', 'max_age', 'prompt'].map((name) => there.searchParams.get(name));
    };
    expect(await askedFor({})).toEqual(['mfa phr', '600', null]);
    expect(await askedFor({ max_age: '60', prompt: 'login' })).toEqual(['mfa phr', '60', 'login']);
    expect(await askedFor({ max_age: '9000' })).toEqual(['mfa phr', '600', null]);

    // Asking is no proof: who has none is refused by the rule itself.
    const [olive, adam] = [await loggedIn('olive'), await loggedIn('adam')];
    for (const { made } of [olive, adam])
      await world.admin.post('/grants', { resource_id: target, user_id: made.user_id });
    expect((await acl(olive.agent)).addresses).toContain('proven.internal');
    expect((await acl(adam.agent)).withheld).toContainEqual({
      address: 'proven.internal',
      policy: 'proven',
      reason: 'acr',
    });
    await world.admin.delete(`/policies/${usual.id}`);
  });

  test('with rules that make no sense is refused, and one that is named is not deleted', async () => {
    await expect(
      world.admin.post('/policies', { name: 'x', rules: { networks: ['here'] } }),
    ).rejects.toMatchObject({ problem: { code: 'validation_failed' } });
    const made = await world.admin.post('/policies', {
      name: 'nets',
      rules: { networks: ['203.0.113.7', '2001:db8::1/32'] },
    });
    expect(made.rules.networks).toEqual(['203.0.113.7/32', '2001:db8::/32']);
    await resource('named.internal', { policy_id: made.id });
    await expect(world.admin.delete(`/policies/${made.id}`)).rejects.toMatchObject({
      problem: { code: 'in_use' },
    });
  });
});
