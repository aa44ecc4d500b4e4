/**
 * A person with real programs: `sallyportd login` by a browser that follows its redirects to a real OpenID
 * provider and back to loopback, then curl through their own Client; a policy that keeps a Resource from
 * them, and the end of their login.
 */
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningIdentityProvider, startIdentityProvider } from '#workers/local/identity-provider.ts';
import { Browser } from '../world/browser.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import { AgentProcess } from '../world/process.ts';

const run = promisify(execFile);
let office: Office;
let idp: RunningIdentityProvider;
let origin: Server;
let port: number;

beforeAll(async () => {
  office = await openOffice();
  const { world } = office;
  port = await world.port();
  origin = createServer((_request, response) => response.end('a private page\n'));
  origin.listen(port, officeAddress);
  idp = await startIdentityProvider({
    users: [{ id: 'ann', email: 'ann@acme.example', name: 'Ann' }],
    clientId: 'sallyport',
    clientSecret: 'secret',
    redirectUris: [`${world.tenantUrl}/login/callback`],
  });
  await world.admin.post('/identity-providers', {
    name: 'ID',
    issuer: idp.issuer,
    client_id: 'sallyport',
    client_secret: 'secret',
  });
}, 120_000);

afterAll(async () => {
  origin?.close();
  await idp?.stop();
  await office?.stop();
});

const curl = async (proxy: string, host: string) => {
  const args = ['-sS', '-m', '10', '-w', '%{http_code}', '-x', `http://${proxy}`, `http://${host}:${port}/`];
  return (await run('curl', args)).stdout;
};

test('somebody logs in in their browser, and reaches what is granted to them until their login ends', async () => {
  const { world } = office;
  const file = join(world.stateDir, 'ann', 'session.json');
  const login = new AgentProcess('login', [
    'node-agents/sallyportd.ts',
    ...['login', '--network', world.tenantUrl, '--session-file', file],
  ]);
  const address = await login.line((line) => /\/oauth\/authorize\?/.test(JSON.stringify(line)));
  const url = /http:\/\/\S+\/oauth\/authorize\?[^\s"]+/.exec(JSON.stringify(address))![0];
  const browser = new Browser();
  const at = await browser.open(url);
  const done = await browser.submit(at.url, '?user=ann');
  expect(done.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback\?/);
  expect(done.text).toContain('You are logged in on this device');
  expect(await login.exited).toBe(0);
  expect(login.output()).toContain('ann@acme.example is logged in until');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const { user_id: user, key_id: session } = JSON.parse(await readFile(file, 'utf8'));

  const [page, vault] = [await office.resource('wiki.internal'), await office.resource('vault.internal')];
  const strict = await world.admin.post('/policies', { name: 'strict', rules: { amr: ['hwk'] } });
  await world.admin.patch(`/resources/${vault.id}`, { policy_id: strict.id });
  for (const { id } of [page, vault]) await world.admin.post('/grants', { resource_id: id, user_id: user });
  const client = await world.startClient({ path: file });
  expect(await curl(client.proxy, 'wiki.internal')).toBe('a private page\n200');
  const denied = await curl(client.proxy, 'vault.internal');
  expect(denied).toContain('"code":"policy_denied"');
  expect(denied).toContain('strict: amr');

  const events = async () => (await world.admin.get(`/events?principal=${user}`)).items;
  await expect
    .poll(
      async () => (await events()).map(({ kind, code }: { kind: string; code: string }) => [kind, code]),
      {
        timeout: 10_000,
      },
    )
    .toEqual(
      expect.arrayContaining([
        ['established', null],
        ['denied', 'policy_denied'],
      ]),
    );
  const ended = await world.admin.post(`/user-sessions/${session}/revoke`);
  expect(ended.receipt.complete).toBe(true);
  expect(await client.exited).toBe(3);
  expect(client.output()).toContain('sallyportd login');
}, 60_000);

test('a login that nobody finishes in the right way comes to nothing', async () => {
  const { world } = office;
  const login = new AgentProcess('login', [
    'node-agents/sallyportd.ts',
    ...['login', '--network', `${world.url}/t/nobody`, '--device'],
  ]);
  expect(await login.exited).not.toBe(0);
  expect(login.output()).toContain('There is no such Tenant');
});
