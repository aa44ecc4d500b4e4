/**
 * The operator CLI as a process, against a real Controller: the README's sequence from an empty Tenant to a
 * Client that reaches a Resource, the same by a document, and what it says when something is wrong.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestThrough } from '../demo/request.ts';
import type { Answer } from '../world/admin.ts';
import { AgentProcess } from '../world/process.ts';
import { World } from '../world/world.ts';

const address = '127.84.0.20';
const root = new URL('../..', import.meta.url).pathname;
let world: World;
let folder: string;
let port: number;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  world = await World.start();
  folder = await mkdtemp(join(tmpdir(), 'sallyport-operator-'));
  port = await world.port();
  const origin = createServer((_, response) => response.end('hello from inside\n')).listen(port, address);
  await once(origin, 'listening');
  cleanups.push(() => {
    origin.closeAllConnections();
    origin.close();
  });
}, 120_000);

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Done {
  code: number;
  out: string;
  error: string;
}

const environment = (env: Record<string, string> = {}) => ({
  PATH: process.env.PATH,
  SALLYPORT_URL: world.tenantUrl,
  SALLYPORT_API_TOKEN: world.admin.token,
  SALLYPORT_OPERATOR_TOKEN: world.operator.token,
  ...env,
});

function sallyport(args: string[], env: Record<string, string> = {}): Promise<Done> {
  return new Promise((resolve) => {
    const options = { cwd: root, env: environment(env) };
    execFile(process.execPath, ['node-agents/sallyport.ts', ...args], options, (failure, out, error) =>
      resolve({ code: Number(failure?.code ?? 0), out, error }),
    );
  });
}

/** The answer as a program sees it; anything but success fails the test. */
async function ask(...args: string[]): Promise<Answer> {
  const done = await sallyport([...args, '--json']);
  expect(done).toMatchObject({ code: 0, error: '' });
  return JSON.parse(done.out);
}

describe('from an empty Tenant to a Resource that is reached', () => {
  let keyPath: string;
  let client: AgentProcess & { proxy: string };
  let following: ChildProcess & { lines: string[] };

  test('network, connector, resource, service, grant: by names alone', async () => {
    await ask('network', 'create', '--name', 'office');
    const connector = await ask('connector', 'create', '--name', 'office-1', '--network', 'office');
    const resource = await ask(
      ...['resource', 'create', '--name', 'web', '--network', 'office', '--address', address],
      ...['--tcp', String(port), '--udp', 'none', '--allow-reserved', 'true'],
    );
    const service = await ask('service', 'create', '--name', 'ci');
    const grant = await ask('grant', 'create', '--service', 'ci', '--resource', 'web');
    expect(grant).toMatchObject({
      service_account_id: service.id,
      resource_id: resource.id,
      state: 'active',
    });

    const agent = new AgentProcess('office-1', ['node-agents/sallyportd.ts', 'connector'], {
      env: {
        SALLYPORT_URL: world.tenantUrl,
        SALLYPORT_ENROLL_TOKEN: connector.enrolment_token,
        SALLYPORT_STATE_DIR: join(folder, 'connector'),
      },
    });
    world.processes.push(agent);
    await agent.line('connector_ready');
    await expect.poll(async () => (await ask('connector', 'show', 'office-1')).state).toBe('alive');
  });

  test('key create --out writes a file of mode 0600 whose private half never travelled', async () => {
    keyPath = join(folder, 'service_key.json');
    const done = await sallyport(['key', 'create', 'ci', '--name', 'ci-1', '--out', keyPath]);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).not.toContain('PRIVATE');
    expect((await stat(keyPath)).mode & 0o777).toBe(0o600);
    const file = JSON.parse(await readFile(keyPath, 'utf8'));
    expect(file).toMatchObject({ version: '1', network: world.tenantUrl, login_path: '/oauth/token' });
    expect((await ask('key', 'show', 'ci/ci-1')).id).toBe(file.key_id);
  });

  test('a file that is there already is not overwritten, and no key is made', async () => {
    const before = await readFile(keyPath, 'utf8');
    const done = await sallyport(['key', 'create', 'ci', '--name', 'ci-2', '--out', keyPath]);
    expect(done.code).toBe(2);
    expect(done.error).toContain('exists already');
    expect(await readFile(keyPath, 'utf8')).toBe(before);
    expect((await ask('key', 'list', 'ci')).items).toHaveLength(1);
  });

  test('a key that is refused leaves no file', async () => {
    const path = join(folder, 'none.json');
    const refused = await sallyport([
      'key',
      'create',
      'ci',
      '--name',
      'x',
      '--expires-in-days',
      '0',
      '--out',
      path,
    ]);
    expect(refused.code).toBe(1);
    expect(refused.error).toContain('expires_in_days');
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  test('explain says that it will be allowed, and what would not be', async () => {
    const where = ['--principal', 'ci', '--host', address];
    expect(await ask('explain', ...where, '--port', String(port))).toMatchObject({
      allowed: true,
      code: null,
    });
    expect(await ask('explain', ...where, '--port', '1')).toMatchObject({
      allowed: false,
      code: 'port_denied',
    });
  });

  test('events --follow shows a flow as it happens, and the Client reaches the Resource', async () => {
    following = follow(['events', '--follow', '--principal', 'ci', '--json']);
    client = await world.startClient({ path: keyPath });
    expect(await requestThrough(`http://${client.proxy}`, `http://${address}:${port}/`)).toMatchObject({
      status: 200,
      body: 'hello from inside\n',
    });
    await expect
      .poll(() => following.lines.map((line) => JSON.parse(line).kind), { timeout: 15_000 })
      .toContain('established');
    const ids = following.lines.map((line) => JSON.parse(line).id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('Ctrl-C ends it with code 0', async () => {
    following.kill('SIGINT');
    const [code] = await once(following, 'exit');
    expect(code).toBe(0);
  });

  test('instances are listed and cut one by one', async () => {
    const { items } = await ask('instance', 'list', 'ci/ci-1', '--live');
    expect(items).toHaveLength(1);
    expect(await ask('instance', 'revoke', items[0].id)).toMatchObject({
      live: false,
      receipt: { complete: true },
    });
  });

  test('key revoke prints who confirmed', async () => {
    const done = await sallyport(['key', 'revoke', 'ci/ci-1']);
    expect(done.code).toBe(0);
    expect(done.out).toMatch(/^state: revoked$/m);
    expect(done.out).toMatch(/connector +con_\w+ +true/);
    expect((await sallyport(['key', 'delete', 'ci/ci-1'])).out).toBe('done\n');
  });
});

function follow(args: string[]): ChildProcess & { lines: string[] } {
  const child = spawn(process.execPath, ['node-agents/sallyport.ts', ...args], {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line));
  return Object.assign(child, { lines });
}

describe('every noun', () => {
  test.each([
    ['tenants', ['tenant', 'list'], 'SLUG'],
    ['relays', ['relay', 'list'], 'nothing'],
    ['networks', ['network'], 'CONNECTORS'],
    ['connectors', ['connector', 'list', '--network', 'office'], 'office-1'],
    ['resources', ['resource', 'list', '--network', 'office'], 'web'],
    ['services', ['service'], 'LIVE_INSTANCES'],
    ['grants', ['grant', 'list', '--service', 'ci'], 'active'],
    ['tokens', ['token', 'list'], 'first'],
    ['signing keys', ['signing-key', 'list'], 'active'],
    ['audit', ['audit', '--actor', 'operator'], 'tenant.create'],
    ['events', ['events', '--resource', 'web', '--connector', 'office-1'], 'KIND'],
    ['the Tenant', ['tenant', 'show'], 'staleness_budget_seconds: 900'],
  ])('%s', async (_, args, shown) => {
    const done = await sallyport(args);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).toContain(shown);
  });

  test('what is created by name is changed, shown and deleted by name', async () => {
    await ask('network', 'create', '--name', 'lab', '--location', 'Oslo');
    expect(await ask('network', 'update', 'lab', '--location', '')).toMatchObject({ location: null });
    const resource = ['--network', 'lab', '--address', '*.lab.internal', '--tags', 'env=lab'];
    await ask('resource', 'create', '--name', 'lab-web', ...resource);
    expect(await ask('resource', 'update', 'lab-web', '--tcp', '443,8000-8100')).toMatchObject({
      tcp: [
        { from: 443, to: 443 },
        { from: 8000, to: 8100 },
      ],
    });
    expect((await ask('resource', 'list', '--tag', 'env:lab')).items).toHaveLength(1);
    await ask('service', 'create', '--name', 'lab-ci');
    await ask('service', 'update', 'lab-ci', '--description', 'tests');
    await ask('grant', 'create', '--service', 'lab-ci', '--resource', 'lab-web');
    await ask('connector', 'create', '--name', 'lab-1', '--network', 'lab');
    await ask('connector', 'rename', 'lab-1', '--name', 'lab-2');
    expect(await ask('connector', 'rotate', 'lab-2')).toHaveProperty('enrolment_token');
    for (const [noun, name] of [
      ['grant', 'lab-ci/lab-web'],
      ['service', 'lab-ci'],
      ['resource', 'lab-web'],
      ['connector', 'lab-2'],
      ['network', 'lab'],
    ]) {
      expect(await ask(noun!, 'show', name!)).toHaveProperty('id');
      expect(await ask(noun!, 'delete', name!)).toBeNull();
    }
  });

  test('people, groups, policies, identity providers, SCIM tokens, sessions: by names too', async () => {
    const { id } = await ask('user', 'create', '--email', 'pia@acme.example', '--role', 'devops');
    expect(await ask('user', 'update', 'pia@acme.example', '--role', '', '--name', 'Pia')).toMatchObject({
      id,
      role: null,
      name: 'Pia',
    });
    expect((await ask('user', 'list', '--q', 'pia')).items).toMatchObject([{ id }]);
    await ask('group', 'create', '--name', 'team');
    expect(await ask('group', 'add', 'team', '--user', 'pia@acme.example')).toMatchObject({ members: 1 });
    expect((await ask('user', 'list', '--group', 'team')).items).toHaveLength(1);
    const rules = '{"acr":["mfa"],"session_seconds":3600}';
    await ask('policy', 'create', '--name', 'strict', '--rules', rules);
    await ask('network', 'create', '--name', 'people');
    const address = ['--network', 'people', '--address', 'people.internal', '--policy', 'strict'];
    await ask('resource', 'create', '--name', 'people-web', ...address);
    expect(await ask('policy', 'show', 'strict')).toMatchObject({ resources: 1, rules: { acr: ['mfa'] } });
    expect(await ask('grant', 'create', '--group', 'team', '--resource', 'people-web')).toHaveProperty('id');
    expect((await ask('grant', 'list', '--group', 'team')).items).toHaveLength(1);
    expect(await ask('resource', 'update', 'people-web', '--policy', '')).toMatchObject({ policy_id: null });
    expect(await ask('group', 'remove', 'team', 'pia@acme.example')).toBeNull();

    const secret = join(folder, 'client-secret');
    await writeFile(secret, 'kept to itself\n');
    const issuer = ['--preset', 'keycloak', '--issuer', 'https://id.example/realms/a', '--client-id', 'c'];
    const provider = ['--name', 'Keycloak', ...issuer, '--client-secret-file', secret];
    const made = await ask('identity-provider', 'create', ...provider, '--allowed-domains', 'acme.example');
    expect(made).toMatchObject({ has_secret: true, redirect_uri: `${world.tenantUrl}/login/callback` });
    expect(await ask('identity-provider', 'update', 'Keycloak', '--enabled', 'false')).toMatchObject({
      enabled: false,
    });
    const scim = await ask('scim-token', 'create', '--name', 'okta', '--expires-in-days', '30');
    expect(scim).toMatchObject({ base_url: `${world.tenantUrl}/scim/v2` });
    expect(await ask('scim-token', 'revoke', 'okta')).toMatchObject({ state: 'revoked' });
    expect((await ask('session', 'list', '--user', 'pia@acme.example')).items).toEqual([]);
    expect((await ask('console-session', 'list')).items).toEqual([]);
    expect(await ask('user', 'update', 'pia@acme.example', '--active', 'false')).toMatchObject({
      active: false,
    });
    for (const [noun, name] of [
      ['scim-token', 'okta'],
      ['identity-provider', 'Keycloak'],
      ['resource', 'people-web'],
      ['network', 'people'],
      ['policy', 'strict'],
      ['group', 'team'],
      ['user', 'pia@acme.example'],
    ])
      expect(await ask(noun!, 'delete', name!)).toBeNull();
    expect(await ask('setup-code', 'create')).toHaveProperty('code');
  });

  test('an API token is made, narrowed and revoked; the operator makes one for a Tenant', async () => {
    const made = await ask('token', 'create', '--name', 'reader', '--scopes', 'networks:read,resources:read');
    const env = { SALLYPORT_API_TOKEN: made.token };
    expect((await sallyport(['network', 'list'], env)).code).toBe(0);
    const beyond = await sallyport(['service', 'list'], env);
    expect(beyond).toMatchObject({ code: 1, out: '' });
    expect(beyond.error).toContain('services:read');
    await ask('token', 'update', 'reader', '--scopes', 'networks:read');
    expect((await sallyport(['resource', 'list'], env)).code).toBe(1);
    await ask('token', 'revoke', 'reader');
    expect((await sallyport(['network', 'list'], env)).error).toContain(
      'SALLYPORT_API_TOKEN is not accepted',
    );
    await ask('token', 'delete', 'reader');
    expect((await ask('tenant', 'token', world.tenant, '--scopes', '*')).token).toMatch(/^spt_/);
  });

  test('operator and Tenant change what is theirs', async () => {
    expect(await ask('tenant', 'update', '--event-retention-days', '7')).toMatchObject({
      event_retention_days: 7,
    });
    expect(await ask('tenant', 'set', world.tenant, '--name', 'Acme')).toMatchObject({ name: 'Acme' });
    await ask('relay', 'create', '--name', 'spare', '--url', 'https://relay.example.com');
    expect(await ask('relay', 'delete', 'spare')).toBeNull();
  });
});

describe('apply', () => {
  const document = (more: Record<string, unknown> = {}) => ({
    networks: [{ name: 'office' }, { name: 'plant', location: 'Bergen' }],
    resources: [
      { name: 'web', network: 'office', address, tcp: [{ from: port, to: port }] },
      {
        name: 'db',
        network: 'plant',
        address: 'DB.Internal.',
        alias: 'db.plant.example',
        tcp: [
          { from: 5433, to: 5433 },
          { from: 5432, to: 5432 },
        ],
        tags: { env: 'prod', team: 'data' },
      },
    ],
    services: [{ name: 'ci' }, { name: 'backup', description: 'nightly' }],
    grants: [
      { service: 'ci', resource: 'web' },
      { service: 'backup', resource: 'db', expires_at: '2099-01-01T01:00:00+01:00' },
    ],
    ...more,
  });
  const file = async (content: unknown): Promise<string> => {
    const path = join(folder, 'sallyport.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  test('--dry-run says what would be done and does nothing', async () => {
    const done = await sallyport(['apply', await file(document()), '--dry-run']);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out.split('\n')).toEqual([
      '+ network plant',
      '+ service backup',
      '+ resource db',
      '+ grant backup/db',
      '4 changes, none made',
      '',
    ]);
    expect((await ask('network', 'list')).items).toHaveLength(1);
  });

  test('creates what is missing; a second time there is nothing to do', async () => {
    const path = await file(document());
    expect((await sallyport(['apply', path])).out).toContain('4 changes\n');
    expect(await ask('resource', 'show', 'db')).toMatchObject({
      address: 'db.internal',
      tcp: [{ from: 5432, to: 5433 }],
      tags: { env: 'prod', team: 'data' },
    });
    const version = (await ask('tenant', 'show')).config_version;
    expect((await sallyport(['apply', path])).out).toBe('no changes\n');
    expect(await ask('apply', path)).toEqual({ applied: true, changes: [] });
    expect((await ask('tenant', 'show')).config_version).toBe(version);
  });

  test('changes only what differs, and names it', async () => {
    const { resources, grants, ...rest } = document();
    const changed = {
      ...rest,
      networks: [{ name: 'plant', location: null }],
      resources: [{ ...resources[1]!, tcp: 'all', network: 'office' }],
      grants: [{ service: 'backup', resource: 'db' }],
    };
    expect((await sallyport(['apply', await file(changed)])).out.split('\n')).toEqual([
      '~ network plant (location)',
      '~ resource db (network, tcp)',
      '~ grant backup/db (expires_at)',
      '3 changes',
      '',
    ]);
    expect(await ask('grant', 'show', 'backup/db')).toMatchObject({ expires_at: null });
    expect((await sallyport(['apply', await file(changed)])).out).toBe('no changes\n');
  });

  test('deletes with --prune alone, and only from lists that the document has', async () => {
    const { resources, grants } = document();
    const less = { resources: [resources[0]], grants: [grants[0]] };
    expect((await sallyport(['apply', await file(less)])).out).toBe('no changes\n');
    expect(await ask('apply', await file(less), '--prune')).toEqual({
      applied: true,
      changes: [
        { action: 'delete', kind: 'grant', name: 'backup/db', fields: [] },
        { action: 'delete', kind: 'resource', name: 'db', fields: [] },
      ],
    });
    expect((await ask('service', 'list')).items.map(({ name }: Answer) => name)).toEqual(['ci', 'backup']);
  });

  test.each([
    ['no JSON', '{', 2, 'is not JSON'],
    ['an unknown list', { users: [] }, 2, 'users'],
    ['a wrong field', { networks: [{ name: 7 }] }, 2, 'networks.0.name'],
    ['a name twice', { networks: [{ name: 'a' }, { name: 'a' }] }, 2, 'a is there twice'],
    [
      'a name that is nowhere',
      { grants: [{ service: 'nobody', resource: 'web' }] },
      2,
      'no nobody among the services',
    ],
    [
      'an address that cannot be',
      { resources: [{ name: 'x', network: 'office', address: '10.0.0.1/8' }] },
      1,
      '10.0.0.0/8',
    ],
  ])('refuses %s in one line, before it changes anything', async (_, content, code, told) => {
    const done = await sallyport(['apply', await file(content)]);
    expect(done).toMatchObject({ code, out: '' });
    expect(done.error).toContain(told);
    expect(done.error.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('mistakes are told in one line', () => {
  test.each([
    ['an unknown command', ['nothing'], {}, 2, 'There is no command “nothing”'],
    ['an unknown verb', ['network', 'paint'], {}, 2, 'network create, list, show'],
    ['an unknown flag', ['network', 'list', '--colour', 'red'], {}, 2, '--colour'],
    ['a missing flag', ['network', 'create'], {}, 2, 'needs --name'],
    ['a missing argument', ['network', 'show'], {}, 2, 'takes one argument, not 0'],
    ['a wrong value', ['network', 'list', '--limit', 'many'], {}, 2, '--limit takes a number'],
    ['an unknown name', ['resource', 'show', 'nobody'], {}, 1, 'There is no Resource nobody'],
    ['an unknown id', ['grant', 'show', `grt_${'0'.repeat(26)}`], {}, 1, 'no grant grt_'],
    ['half a name', ['key', 'show', 'ci'], {}, 2, 'SERVICE/KEY'],
    ['a name that is taken', ['network', 'create', '--name', 'office'], {}, 1, 'already in use'],
    ['what is in use', ['network', 'delete', 'office'], {}, 1, 'are in it'],
    ['an unreadable document', ['apply', '/nowhere.json'], {}, 2, 'cannot be read (ENOENT)'],
    ['a follow with an end', ['events', '--follow', '--until', '2026-01-01T00:00:00Z'], {}, 2, 'no end'],
    ['no URL', ['network', 'list'], { SALLYPORT_URL: '' }, 2, 'SALLYPORT_URL is not set'],
    ['a URL that is none', ['network', 'list'], { SALLYPORT_URL: 'acme' }, 2, 'no http or https URL'],
    ['no token', ['network', 'list'], { SALLYPORT_API_TOKEN: '' }, 2, 'SALLYPORT_API_TOKEN is not set'],
    [
      'a wrong operator token',
      ['tenant', 'list'],
      { SALLYPORT_OPERATOR_TOKEN: 'x' },
      1,
      'SALLYPORT_OPERATOR_TOKEN',
    ],
  ])('%s', async (_, args, env, code, told) => {
    const done = await sallyport(args, env as unknown as Record<string, string>);
    expect(done).toMatchObject({ code, out: '' });
    expect(done.error).toContain(told);
    expect(done.error).toMatch(/^sallyport: [^\n]+\n$/);
  });

  test('a Controller that is not there ends with a code of its own', async () => {
    const done = await sallyport(['network', 'list'], {
      SALLYPORT_URL: `http://127.0.0.1:${await world.port()}`,
    });
    expect(done).toMatchObject({ code: 5, out: '' });
    expect(done.error).toContain('ECONNREFUSED');
  });

  test('a Tenant that is not there', async () => {
    const done = await sallyport(['network', 'list'], { SALLYPORT_URL: `${world.url}/t/nobody` });
    expect(done).toMatchObject({ code: 1 });
    expect(done.error).toContain('There is no such Tenant');
  });

  test('what answers but is no Controller', async () => {
    const done = await sallyport(['network', 'list'], { SALLYPORT_URL: `http://${address}:${port}` });
    expect(done).toMatchObject({ code: 1 });
    expect(done.error).toContain('not the Controller’s');
  });
});

test('help names every command and every flag', async () => {
  expect((await sallyport([])).out).toContain('apply FILE');
  expect((await sallyport(['grant', 'create', '--help'])).out).toMatch(
    /--service +the Service Account\n +--user .*\n +--group .*\n +--resource +the Resource \(required\)/,
  );
});
