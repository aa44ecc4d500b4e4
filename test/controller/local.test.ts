/**
 * The Controller on one machine: what it keeps between two runs, how it ends, and that a run which was killed
 * does not stand in the way of the next.
 */

import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeAgent } from '../fake/agent.ts';
import { Admin } from '../world/admin.ts';
import { Browser } from '../world/browser.ts';
import { AgentProcess } from '../world/process.ts';
import { eventually } from './trust-world.ts';

let folder: string;
let running: AgentProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-local-'));
  running = [];
});
afterEach(async () => {
  for (const one of running) await one.stop();
  await rm(folder, { recursive: true, force: true });
});

const stateDir = () => join(folder, 'state');

function run(...args: string[]): AgentProcess {
  const all = ['workers/local/main.ts', '--port', '0', '--state-dir', stateDir(), ...args];
  const started = new AgentProcess(`controller-${running.length}`, all);
  running.push(started);
  return started;
}

async function ready(controller: AgentProcess): Promise<Admin> {
  const line = await controller.line('controller_ready', 30_000);
  const token = (await readFile(String(line['operator_token_file']), 'utf8')).trim();
  return new Admin(String(line['url']), token);
}

const exists = async (pid: number) =>
  (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).replace(/^.*\) /, '').startsWith('Z')
    ? false
    : stat(`/proc/${pid}`).then(
        () => true,
        () => false,
      );

const workerdOf = async () =>
  (JSON.parse(await readFile(join(stateDir(), 'workerd.json'), 'utf8')) as { pid: number }[]).map(
    ({ pid }) => pid,
  );

test('keeps Tenants and secrets from one run to the next, readable by nobody else', async () => {
  const first = run();
  const operator = await ready(first);
  const { api_token } = await operator.post('/tenants', { slug: 'kept' });
  for (const name of ['kek', 'operator-token']) {
    expect((await stat(join(stateDir(), name))).mode & 0o777).toBe(0o600);
  }
  const [workerd] = await workerdOf();
  first.signal('SIGTERM');
  expect(await first.exited).toBe(0);
  expect(await exists(workerd!)).toBe(false);

  const again = await ready(run());
  expect(again.token).toBe(operator.token);
  expect((await new Admin(again.url, api_token.token).get('/tenant')).slug).toBe('kept');
  const jwks = await fetch(`${again.url}/t/kept/.well-known/jwks.json`);
  expect(jwks.status).toBe(200);
});

test('ends the workerd that a killed run has left behind', async () => {
  const first = run();
  const operator = await ready(first);
  await operator.post('/tenants', { slug: 'kept' });
  const left = await workerdOf();
  expect(left).toHaveLength(1);
  await first.kill();

  const again = await ready(run());
  await eventually(
    'the orphan is gone',
    () => exists(left[0]!),
    (there) => !there,
  );
  expect((await again.get('/tenants')).items).toHaveLength(1);
});

test('knows after a crash who is no longer there', async () => {
  const first = run();
  const operator = await ready(first);
  const made = await operator.post('/tenants', { slug: 'kept' });
  const before = new Admin(made.url, made.api_token.token);
  const network = await before.post('/remote-networks', { name: 'office' });
  const connector = await before.post('/connectors', { name: 'c1', remote_network_id: network.id });
  const channel = await (await FakeAgent.enrol(made.url, connector.enrolment_token)).channel();
  channel.hello();
  await channel.take('connector_acl');
  const seen = await before.get(`/connectors/${connector.id}`);
  expect(seen.state).toBe('no_relay');
  await first.kill();

  const { url } = await ready(run());
  const after = new Admin(`${url}/t/kept`, made.api_token.token);
  const now = await eventually(
    'it is marked as gone',
    () => after.get(`/connectors/${connector.id}`),
    ({ last_seen_at }) => last_seen_at !== null,
  );
  expect(now.state).toBe('no_heartbeat');
});

test('says in one line what is wrong, and exits with its own code', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const blocked = run('--port', String(port));
  expect(await blocked.exited).toBe(6);
  expect(blocked.lines).toEqual([
    { level: 'error', event: 'controller_failed', code: 'address_in_use', detail: `127.0.0.1:${port}` },
  ]);
  taken.close();

  const misused = run('--base-url', 'ftp://x');
  expect(await misused.exited).toBe(2);
  expect(misused.lines).toHaveLength(1);
  const unknown = run('--no-such-flag');
  expect(await unknown.exited).toBe(2);
  expect(unknown.lines).toHaveLength(1);

  const operator = run();
  await ready(operator);
  operator.signal('SIGTERM');
  await operator.exited;
  await chmod(join(stateDir(), 'kek'), 0o644);
  const loose = run();
  expect(await loose.exited).toBe(4);
  expect(loose.lines[0]).toMatchObject({ code: 'state_permissions' });
});

test('a first run offers a setup code, and somebody gets in with it and the demo users', async () => {
  const first = run('--demo-people', '0');
  const operator = await ready(first);
  const line = await first.line('controller_ready');
  expect(line).toMatchObject({
    setup_url: `${operator.url}/setup`,
    setup_code: expect.stringMatching(/^spu_/),
  });
  expect(line['setup_url']).not.toContain(String(line['setup_code']));
  const people = await first.line('demo_people_ready');
  const setup = new Admin(operator.url, String(line['setup_code']));
  const done = await setup.post('/setup', {
    slug: 'first',
    name: 'First',
    owner_email: 'olga@demo.example',
    identity_provider: { name: 'Demo', issuer: people['issuer'], client_id: people['client_id'] },
  });
  const browser = new Browser();
  const at = await browser.open(done.login_url);
  expect(at.text).toContain('Demo users, without passwords');
  const page = await browser.submit(at.url, '?user=olga', {}, /\/console\//);
  expect(page.url).toBe(`${operator.url}/t/first/console/`);
  const session = await browser.ask('GET', `${operator.url}/t/first/api/v1/session`);
  expect(session.body).toMatchObject({ user: { role: 'owner' } });
  await first.stop();

  const second = run();
  await ready(second);
  expect(await second.line('controller_ready')).not.toHaveProperty('setup_code');
});

test('demo users are for an address of this machine alone', async () => {
  const refused = run('--demo-people', '0', '--base-url', 'https://sallyport.example');
  expect(await refused.exited).toBe(2);
});
