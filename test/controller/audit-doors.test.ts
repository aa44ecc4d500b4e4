/**
 * Whoever changes something, by whichever door, stands in the audit log with the request, the target, and what
 * was and what is: the console, API tokens, SCIM, the command line, the operator, the setup, the login itself.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeAgent, makeKeyPair } from '../fake/agent.ts';
import type { Answer } from '../world/admin.ts';
import type { Browser } from '../world/browser.ts';
import {
  asking,
  ending,
  type Ids,
  making,
  operationOf,
  operationsOf,
  pathOf,
  type Step,
} from './everything.ts';
import { PeopleWorld } from './people-world.ts';

interface Entry {
  actor: string;
  action: string;
  target_id: string;
  before: unknown;
  after: unknown;
  address: string | null;
}

let world: PeopleWorld;
let browser: Browser;
let olive: string;

beforeAll(async () => {
  world = await PeopleWorld.start();
  ({ browser } = await world.login('olive'));
  olive = (await world.ask(browser, 'GET', '/session')).body.actor;
}, 60_000);
afterAll(() => world?.stop());

async function entriesOf(requestId: string | null, tenant = world.tenant.id): Promise<Entry[]> {
  const rows = await world.administration.sql<Answer>(
    'select * from audit_entries where request_id = ? and tenant_id = ?',
    requestId,
    tenant,
  );
  return rows.map((row) => ({ ...row, before: JSON.parse(row.before), after: JSON.parse(row.after) }));
}

/** What the action must say of the states before and after it. */
function complete({ action, before, after }: Entry): boolean {
  const verb = action.slice(action.indexOf('.') + 1);
  if (verb === 'create' || verb === 'add_member' || verb === 'link') return after !== null;
  if (verb === 'delete' || verb === 'remove_member') return before !== null;
  return after !== null || before !== null;
}

test('every change of the API by a person in the console', async () => {
  const ids: Ids = {};
  const done = new Set<string>();
  const walk = async (steps: readonly Step[]) => {
    for (const step of steps) {
      const path = pathOf(step, ids);
      const told = await world.ask(browser, step.method, path, step.body?.(ids) ?? {});
      const what = `${step.method} ${step.path}`;
      expect([what, told.status < 300 ? 'done' : told.body]).toEqual([what, 'done']);
      if (step.keeps) ids[step.keeps] = told.body.id;
      const entries = await entriesOf(told.headers.get('x-request-id'));
      expect([what, entries.length]).toEqual([what, 1]);
      const [entry] = entries;
      expect([what, entry!.actor, complete(entry!)]).toEqual([what, olive, true]);
      const targets = [...Object.values(ids), world.tenant.id];
      expect([what, targets.includes(entry!.target_id)]).toEqual([what, true]);
      expect(JSON.stringify(entry)).not.toMatch(/sp[tesu]_[A-Za-z0-9_-]{43}|kept to itself|PRIVATE KEY/);
      done.add(operationOf(step.method, step.path));
    }
  };
  await walk(making);

  const own = await makeKeyPair();
  const { kty, crv, x, y } = own.publicJwk;
  const body = { name: 'running', public_key: { kty, crv, x, y } };
  const key = await world.admin.post(`/service-accounts/${ids['service']}/keys`, body);
  await (await FakeAgent.client(world.tenant.url, key.id, own)).login();
  ids['instance'] = (await world.admin.get(`/service-keys/${key.id}/instances`)).items[0].id;
  ids['device'] = (await world.loginOnDevice('olive')).id;
  const other = await world.login('olive');
  const { items } = (await world.ask(other.browser, 'GET', '/console-sessions?limit=200')).body;
  ids['consoleSession'] = items.find(({ current }: Answer) => current).id;
  await walk(ending.slice(0, 3));
  await world.admin.post(`/service-keys/${key.id}/revoke`);
  await world.admin.delete(`/service-keys/${key.id}`);
  await walk(ending.slice(3));

  const offered = operationsOf(await world.admin.get('/openapi.json'));
  for (const one of asking) done.add(operationOf(one.method, one.path));
  const changes = offered.filter(({ method }) => method !== 'GET');
  expect(
    changes.map(({ method, path }) => operationOf(method, path)).filter((one) => !done.has(one)),
  ).toEqual([]);
}, 60_000);

test('the same by an API token, and by the command line', async () => {
  const [token] = (await world.admin.get('/api-tokens?limit=200')).items.filter(
    ({ name }: Answer) => name === 'tests',
  );
  const made = await world.admin.post('/remote-networks', { name: 'by token' });
  const run = promisify(execFile);
  const { stdout } = await run(
    process.execPath,
    ['node-agents/sallyport.ts', 'network', 'create', '--name', 'by hand', '--json'],
    { env: { ...process.env, SALLYPORT_URL: world.tenant.url, SALLYPORT_API_TOKEN: world.admin.token } },
  );
  for (const id of [made.id, JSON.parse(stdout).id]) {
    const { items } = await world.admin.get(`/audit?target=${id}`);
    expect(items).toMatchObject([{ actor: token.id, action: 'remote_network.create', before: null }]);
    expect(items[0].request_id).toMatch(/^req_/);
  }
});

test('by SCIM', async () => {
  const { token, id } = await world.admin.post('/scim-tokens', { name: 'scim' });
  const scim = async (method: string, path: string, body?: object) => {
    const told = await world.administration.ask(method, `${world.tenant.url}/scim/v2${path}`, {
      token,
      headers: { 'content-type': 'application/scim+json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const entries = await entriesOf(told.headers.get('x-request-id'));
    const what = `${method} ${path.replace(/_\w+$/, '')}`;
    expect([what, told.status < 300, entries.length > 0]).toEqual([what, true, true]);
    for (const entry of entries) expect([what, entry.actor, complete(entry)]).toEqual([what, id, true]);
    return told.body as Answer;
  };
  const operations = (value: object) => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', value }],
  });
  const user = await scim('POST', '/Users', { userName: 'sid@acme.example', active: true });
  await scim('PUT', `/Users/${user.id}`, { userName: 'sid@acme.example', displayName: 'Sid', active: true });
  await scim('PATCH', `/Users/${user.id}`, operations({ active: false }));
  const group = await scim('POST', '/Groups', { displayName: 'synced', members: [{ value: user.id }] });
  await scim('PUT', `/Groups/${group.id}`, { displayName: 'synced too', members: [] });
  await scim('PATCH', `/Groups/${group.id}`, operations({ displayName: 'synced' }));
  await scim('DELETE', `/Groups/${group.id}`);
  await scim('DELETE', `/Users/${user.id}`);
});

test('by the operator and by the setup', async () => {
  const { administration } = world;
  const { operatorToken: token } = administration.controller;
  const asked = (method: string, path: string, body: object, bearer = token) =>
    administration.ask(method, `/api/v1${path}`, {
      token: bearer,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const made = await asked('POST', '/tenants', { slug: 'operated' });
  const { id } = made.body;
  for (const told of [
    made,
    await asked('PATCH', `/tenants/${id}`, { name: 'Operated' }),
    await asked('POST', `/tenants/${id}/api-tokens`, { scopes: ['*'] }),
  ]) {
    const entries = await entriesOf(told.headers.get('x-request-id'), id);
    expect(entries.map(({ actor }) => actor)).toEqual(['operator']);
    expect(entries.every(complete)).toBe(true);
  }

  const code = await asked('POST', '/setup-codes', {});
  expect(administration.logs.join('\n')).toContain('setup_code_created');
  expect(administration.logs.join('\n')).not.toContain(code.body.code);
  const setup = {
    slug: 'set-up',
    name: 'Set up',
    owner_email: 'o@acme.example',
    identity_provider: {
      name: 'ID',
      issuer: world.idp.issuer,
      client_id: 'c',
      client_secret: 'kept to itself',
    },
  };
  const done = await asked('POST', '/setup', setup, code.body.code);
  const entries = await entriesOf(done.headers.get('x-request-id'), done.body.tenant.id);
  expect(entries.map(({ action, actor }) => [action, actor]).sort()).toEqual([
    ['identity_provider.create', 'setup'],
    ['tenant.create', 'setup'],
    ['user.create', 'setup'],
  ]);
  expect(JSON.stringify(entries)).not.toContain('kept to itself');
});

test('by a login, a log-out, and a login on a device', async () => {
  const since = Date.now();
  const { browser: nora } = await world.login('nora');
  expect(nora.cookie('sallyport_session')).toBeUndefined();
  const [user] = (await world.admin.get('/users?q=nora')).items;
  const found = async (target: string) =>
    (await world.admin.get(`/audit?target=${target}`)).items.map(({ action, actor }: Answer) => [
      action,
      actor,
    ]);
  expect(await found(user.id)).toEqual(
    expect.arrayContaining([
      ['user.create', user.id],
      ['user.link', user.id],
    ]),
  );

  const { browser: again } = await world.login('olive');
  const { items } = (await world.ask(again, 'GET', '/console-sessions?limit=200')).body;
  const session = items.find(({ current }: Answer) => current);
  expect(await found(session.id)).toEqual([['console_session.create', olive]]);
  await again.ask('POST', `${world.tenant.url}/logout`);
  expect(await found(session.id)).toEqual(
    expect.arrayContaining([
      ['console_session.create', olive],
      ['console_session.revoke', olive],
    ]),
  );

  const { id } = await world.loginOnDevice('olive');
  expect(await found(id)).toEqual([['user_session.create', olive]]);
  const entries = (await world.admin.get(`/audit?since=${new Date(since).toISOString()}&limit=200`)).items;
  expect(entries.every(({ request_id }: Answer) => /^req_/.test(request_id))).toBe(true);
});
