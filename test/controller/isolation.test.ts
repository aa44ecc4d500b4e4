/**
 * A Tenant is closed to everybody else: every operation of the OpenAPI document and every route of SCIM, with
 * each kind of credential of another Tenant, at either Tenant's URL, on things of the one that is attacked.
 * And within a Tenant, each role gets exactly what its scopes say.
 */
import { is } from 'drizzle-orm';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tables from '#schema/db/tables.ts';
import { roles, scopesOf } from '#schema/people/roles.ts';
import { covers } from '#schema/people/scopes.ts';
import { FakeAgent, makeKeyPair } from '../fake/agent.ts';
import type { Answer } from '../world/admin.ts';
import type { Told } from './administration.ts';
import { asking, ending, type Ids, making, operationOf, operationsOf, pathOf } from './everything.ts';
import { PeopleWorld, people, type Who } from './people-world.ts';

interface Credential {
  what: string;
  headers: Record<string, string>;
  held: readonly string[];
}

const whoIs = { owner: 'olive', admin: 'adam', devops: 'dora', support: 'sam', auditor: 'alma' } as const;

/** Open to everybody for what is their own; what is not needs the scope. */
const othersNeed: Record<string, string> = {
  '/api/v1/console-sessions/{id}/revoke': 'sessions:write',
  '/api/v1/user-sessions/{id}/revoke': 'sessions:write',
};

let victim: PeopleWorld;
let attacker: PeopleWorld;
let ids: Ids;
let operations: ReturnType<typeof operationsOf>;
let credentials: Credential[];
let scimToken: string;

beforeAll(async () => {
  victim = await PeopleWorld.start();
  attacker = await victim.neighbour();
  ids = await fill(victim);
  operations = operationsOf(await victim.admin.get('/openapi.json'));
  credentials = await credentialsOf(attacker);
  scimToken = (await attacker.admin.post('/scim-tokens', { name: 'scim' })).token;
}, 120_000);
afterAll(() => victim?.stop());

/** One of each thing; the ids by which they are named. */
async function fill(world: PeopleWorld): Promise<Ids> {
  const made: Ids = {};
  for (const step of making) {
    const answer = await ask(world, step.method, pathOf(step, made), step.body?.(made));
    if (answer.status >= 300) throw new Error(`${step.path}: ${JSON.stringify(answer.body)}`);
    if (step.keeps) made[step.keeps] = answer.body.id;
  }
  const own = await makeKeyPair();
  const { kty, crv, x, y } = own.publicJwk;
  const key = await world.admin.post(`/service-accounts/${made['service']}/keys`, {
    name: 'running',
    public_key: { kty, crv, x, y },
  });
  await (await FakeAgent.client(world.tenant.url, key.id, own)).login();
  const [instance] = (await world.admin.get(`/service-keys/${key.id}/instances`)).items;
  await world.login('olive');
  const [session] = (await world.admin.get('/console-sessions')).items;
  const device = await world.loginOnDevice('olive');
  return { ...made, instance: instance.id, consoleSession: session.id, device: device.id };
}

/** An API token and a session of the console for each role. */
async function credentialsOf(world: PeopleWorld): Promise<Credential[]> {
  const found: Credential[] = [];
  for (const role of roles) {
    const held = scopesOf[role];
    const { token } = await world.admin.post('/api-tokens', { name: role, scopes: held });
    found.push({ what: `token of an ${role}`, headers: { authorization: `Bearer ${token}` }, held });
    const who: Who = whoIs[role];
    await world.admin.post('/users', { email: people[who].email, role });
    const { browser } = await world.login(who);
    const headers = {
      cookie: `sallyport_session=${browser.cookie('sallyport_session')}`,
      'sec-fetch-site': 'same-origin',
      origin: new URL(world.tenant.url).origin,
    };
    found.push({ what: `session of an ${role}`, headers, held });
  }
  return found;
}

const ask = (
  world: PeopleWorld,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = { authorization: `Bearer ${world.admin.token}` },
): Promise<Told> =>
  world.administration.ask(method, `${world.tenant.url}/api/v1${path}`, {
    headers: {
      ...elsewhere(),
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
  });

let asked = 0;
/** Another address each time, or the limit of wrong credentials would answer in the route’s place. */
const elsewhere = () => ({ 'cf-connecting-ip': `2001:db8::${(++asked).toString(16)}` });

/** Every row of the Tenant, but for when its own credentials were last used. */
async function rowsOf(world: PeopleWorld): Promise<Record<string, string[]>> {
  const { administration, tenant } = world;
  const owned = Object.values(tables).flatMap((one) => {
    if (!is(one, SQLiteTable)) return [];
    const { name, columns } = getTableConfig(one);
    return columns.some((column) => column.name === 'tenant_id') ? [name] : [];
  });
  const dump: Record<string, string[]> = {};
  for (const name of owned.sort()) {
    const rows = await administration.sql(`select * from ${name} where tenant_id = ?`, tenant.id);
    dump[name] = rows.map(({ last_used_at: _, ...row }) => JSON.stringify(row)).sort();
  }
  const itself = await administration.sql('select * from tenants where id = ?', tenant.id);
  return { ...dump, tenants: itself.map((row) => JSON.stringify(row)) };
}

/** The step of `everything.ts` that is this operation, on the victim's things. */
function attackOn(method: string, path: string): { path: string; body: object; known: boolean } {
  const step = [...making, ...asking, ...ending].find(
    (one) => operationOf(one.method, one.path) === operationOf(method, path),
  );
  if (step) return { path: pathOf(step, ids), body: step.body?.(ids) ?? {}, known: true };
  const below = path.replace(/^\/api\/v1/, '');
  return { path: below.replace(/\{\w+\}/g, () => idOf(below)), body: {}, known: false };
}

/** What a route that only reads names first. */
const idOf = (path: string): string => {
  const noun = path.split('/')[1]!;
  const names: Record<string, string> = {
    ...{ 'remote-networks': 'network', connectors: 'connector', resources: 'resource', grants: 'grant' },
    ...{ 'service-accounts': 'service', 'service-keys': 'key', users: 'user', groups: 'group' },
    ...{ policies: 'policy', 'api-tokens': 'token', 'identity-providers': 'provider' },
    ...{ 'scim-tokens': 'scimToken', instances: 'instance' },
  };
  return ids[names[noun] ?? ''] ?? ids['resource']!;
};

const closed = [401, 403, 404];

describe('another Tenant', () => {
  test('every change of the document is walked', () => {
    const walked = new Set(
      [...making, ...asking, ...ending].map(({ method, path }) => operationOf(method, path)),
    );
    const missing = operations
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => operationOf(method, path))
      .filter((operation) => !walked.has(operation));
    expect(missing).toEqual([]);
    expect(operations.length).toBeGreaterThan(70);
  });

  test('gets nothing at the Tenant’s own URL, with any credential, by any operation', async () => {
    const before = await rowsOf(victim);
    for (const { what, headers } of [
      ...credentials,
      { what: 'SCIM token', headers: { authorization: `Bearer ${scimToken}` } },
      { what: 'nothing', headers: {} },
    ]) {
      for (const { method, path } of operations) {
        const attack = attackOn(method, path);
        const told = await ask(victim, method, attack.path, attack.body, headers as Record<string, string>);
        expect([what, method, path, told.status]).toEqual([what, method, path, 401]);
      }
    }
    expect(await rowsOf(victim)).toEqual(before);
  }, 120_000);

  test('finds nothing of it at its own URL by its ids', async () => {
    const before = await rowsOf(victim);
    const foreign = Object.values(ids);
    for (const { what, headers, held } of credentials) {
      for (const { method, path, scope } of operations) {
        const attack = attackOn(method, path);
        const asked = `${attack.path} ${JSON.stringify(attack.body)}`;
        const names = foreign.some((id) => asked.includes(id));
        // What names nothing of the victim is an administrator's own business.
        if (!names && method !== 'GET') continue;
        const told = await ask(attacker, method, attack.path, attack.body, headers);
        const where = [what, method, path];
        if (scope !== null && !covers(held, scope)) expect([...where, told.status]).toEqual([...where, 403]);
        else if (names && attack.known)
          expect([...where, closed.includes(told.status)]).toEqual([...where, true]);
        else if (names) expect([...where, [404, 422].includes(told.status)]).toEqual([...where, true]);
        const text = JSON.stringify(told.body);
        expect([...where, foreign.filter((id) => text.includes(id) && !asked.includes(id))]).toEqual([
          ...where,
          [],
        ]);
      }
    }
    for (const kind of ['user_id', 'group_id', 'service_account_id', 'remote_network_id', 'resource_id'])
      for (const list of ['/users', '/groups', '/grants', '/resources', '/connectors', '/console-sessions']) {
        const told = await ask(
          attacker,
          'GET',
          `${list}?${kind}=${ids[kind.split('_')[0]!] ?? ids['network']}`,
        );
        if (told.status === 200) expect(JSON.stringify(told.body)).not.toMatch(new RegExp(foreign.join('|')));
      }
    expect(await rowsOf(victim)).toEqual(before);
  }, 120_000);

  test('finds nothing by SCIM, at either URL', async () => {
    const before = await rowsOf(victim);
    const patch = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', value: { active: false } }],
    };
    const person = { userName: 'new@acme.example', active: false };
    const team = { displayName: 'the team', members: [{ value: ids['user'] }] };
    const routes: [string, string, object | undefined][] = [
      ...[
        '/ServiceProviderConfig',
        '/ResourceTypes',
        '/ResourceTypes/User',
        '/Schemas',
        '/Users',
        '/Groups',
      ].map((path): [string, string, undefined] => ['GET', path, undefined]),
      ['POST', '/Users', person],
      ['POST', '/Groups', team],
      ...(['Users', 'Groups'] as const).flatMap((kind): [string, string, object | undefined][] => {
        const at = `/${kind}/${ids[kind === 'Users' ? 'user' : 'group']}`;
        const whole = kind === 'Users' ? person : team;
        return [
          ['GET', at, undefined],
          ['PUT', at, whole],
          ['PATCH', at, patch],
          ['DELETE', at, undefined],
        ];
      }),
    ];
    const scim = (world: PeopleWorld, [method, path, body]: (typeof routes)[number], headers: object) =>
      world.administration.ask(method, `${world.tenant.url}/scim/v2${path}`, {
        headers: { ...elsewhere(), 'content-type': 'application/scim+json', ...headers },
        ...(body && { body: JSON.stringify(body) }),
      });
    const token = { authorization: `Bearer ${scimToken}` };
    for (const headers of [token, ...credentials.map((one) => one.headers), {}]) {
      for (const route of routes) {
        const told = await scim(victim, route, headers);
        const discovery = /ServiceProviderConfig|ResourceTypes|Schemas/.test(route[1]);
        expect([route, told.status]).toEqual([route, discovery && told.status === 200 ? 200 : 401]);
      }
    }
    for (const route of routes.filter(([, path]) => /\/(usr|grp)_/.test(path)))
      expect([route, (await scim(attacker, route, token)).status]).toEqual([route, 404]);
    const made = await scim(attacker, ['POST', '/Groups', team], token);
    expect(made.body.members ?? []).toEqual([]);
    for (const path of ['/Users', '/Groups', `/Users?filter=${encodeURIComponent('userName co "acme"')}`]) {
      const text = JSON.stringify((await scim(attacker, ['GET', path, undefined], token)).body);
      expect(Object.values(ids).filter((id) => text.includes(id))).toEqual([]);
    }
    expect(await rowsOf(victim)).toEqual(before);
  });

  test('gets nothing of the deployment either', async () => {
    const { administration } = victim;
    for (const { headers } of credentials)
      for (const [method, path] of [
        ['GET', '/tenants'],
        ['POST', '/tenants'],
        ['PATCH', `/tenants/${victim.tenant.id}`],
        ['POST', `/tenants/${victim.tenant.id}/api-tokens`],
        ['GET', '/relays'],
        ['POST', '/relays'],
        ['POST', '/setup-codes'],
        ['POST', '/setup'],
      ]) {
        const told = await administration.ask(method!, `/api/v1${path}`, {
          headers: { ...elsewhere(), 'content-type': 'application/json', ...headers },
          ...(method !== 'GET' && { body: '{}' }),
        });
        expect([method, path, told.status]).toEqual([method, path, 401]);
      }
  });
});

test('each role gets exactly what its scopes say, by token and in the console', async () => {
  for (const { what, headers, held } of credentials) {
    for (const { method, path, scope } of operations) {
      // Nothing of this id is there: whoever is let in is told that, or that the body is wrong.
      const at = path.replace(/^\/api\/v1/, '').replace(/\{\w+\}/g, 'none_00');
      const told: Told = await ask(attacker, method, at, {}, headers);
      const needed = scope ?? othersNeed[path] ?? null;
      const may = needed === null || covers(held, needed);
      const refused = told.status === 401 || told.status === 403;
      expect([what, method, path, refused]).toEqual([what, method, path, !may]);
    }
  }
  expect(operations.map(({ path }) => path)).toEqual(expect.arrayContaining(Object.keys(othersNeed)));
  const document: Answer = await victim.admin.get('/openapi.json');
  expect(document.paths['/api/v1/audit'].get.security).toEqual([
    { apiToken: ['audit:read'] },
    { session: ['audit:read'] },
  ]);
}, 120_000);
