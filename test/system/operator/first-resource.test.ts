/**
 * The README's sequence by the operator CLI: from an empty Tenant to a Client that reaches a Resource, is watched
 * and is cut.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestThrough } from '../../demo/request.ts';
import { AgentProcess } from '../../world/process.ts';
import { address, OperatorCli } from './cli.ts';

let cli: OperatorCli;
const origin = createServer((_, response) => response.end('hello from inside\n'));

beforeAll(async () => {
  cli = await OperatorCli.open();
  origin.listen(cli.port, address);
  await once(origin, 'listening');
});
afterAll(async () => {
  origin.closeAllConnections();
  origin.close();
  await cli?.stop();
});

describe('from an empty Tenant to a Resource that is reached', () => {
  let keyPath: string;
  let client: AgentProcess & { proxy: string };
  let following: ChildProcess & { lines: string[] };

  test('network, connector, resource, service, grant: by names alone', async () => {
    await cli.ask('network', 'create', '--name', 'office');
    const connector = await cli.ask('connector', 'create', '--name', 'office-1', '--network', 'office');
    const resource = await cli.ask(
      ...['resource', 'create', '--name', 'web', '--network', 'office', '--address', address],
      ...['--tcp', String(cli.port), '--udp', 'none', '--allow-reserved', 'true'],
    );
    const service = await cli.ask('service', 'create', '--name', 'ci');
    const grant = await cli.ask('grant', 'create', '--service', 'ci', '--resource', 'web');
    expect(grant).toMatchObject({
      service_account_id: service.id,
      resource_id: resource.id,
      state: 'active',
    });

    const agent = new AgentProcess('office-1', ['node-agents/sallyportd.ts', 'connector'], {
      env: {
        SALLYPORT_URL: cli.world.tenantUrl,
        SALLYPORT_ENROLL_TOKEN: connector.enrolment_token,
        SALLYPORT_STATE_DIR: join(cli.folder, 'connector'),
      },
    });
    cli.world.processes.push(agent);
    await agent.line('connector_ready');
    await expect.poll(async () => (await cli.ask('connector', 'show', 'office-1')).state).toBe('alive');
  });

  test('key create --out writes a file of mode 0600 whose private half never travelled', async () => {
    keyPath = join(cli.folder, 'service_key.json');
    const done = await cli.run(['key', 'create', 'ci', '--name', 'ci-1', '--out', keyPath]);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).not.toContain('PRIVATE');
    expect((await stat(keyPath)).mode & 0o777).toBe(0o600);
    const file = JSON.parse(await readFile(keyPath, 'utf8'));
    expect(file).toMatchObject({ version: '1', network: cli.world.tenantUrl, login_path: '/oauth/token' });
    expect((await cli.ask('key', 'show', 'ci/ci-1')).id).toBe(file.key_id);
  });

  test('a file that is there already is not overwritten, and no key is made', async () => {
    const before = await readFile(keyPath, 'utf8');
    const done = await cli.run(['key', 'create', 'ci', '--name', 'ci-2', '--out', keyPath]);
    expect(done.code).toBe(2);
    expect(done.error).toContain('exists already');
    expect(await readFile(keyPath, 'utf8')).toBe(before);
    expect((await cli.ask('key', 'list', 'ci')).items).toHaveLength(1);
  });

  test('a key that is refused leaves no file', async () => {
    const path = join(cli.folder, 'none.json');
    const refused = await cli.run([
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
    expect(await cli.ask('explain', ...where, '--port', String(cli.port))).toMatchObject({
      allowed: true,
      code: null,
    });
    expect(await cli.ask('explain', ...where, '--port', '1')).toMatchObject({
      allowed: false,
      code: 'port_denied',
    });
  });

  test('events --follow shows a flow as it happens, and the Client reaches the Resource', async () => {
    following = cli.follow(['events', '--follow', '--principal', 'ci', '--json']);
    client = await cli.world.startClient({ path: keyPath });
    expect(await requestThrough(`http://${client.proxy}`, `http://${address}:${cli.port}/`)).toMatchObject({
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
    const { items } = await cli.ask('instance', 'list', 'ci/ci-1', '--live');
    expect(items).toHaveLength(1);
    expect(await cli.ask('instance', 'revoke', items[0].id)).toMatchObject({
      live: false,
      receipt: { complete: true },
    });
  });

  test('key revoke prints who confirmed', async () => {
    const done = await cli.run(['key', 'revoke', 'ci/ci-1']);
    expect(done.code).toBe(0);
    expect(done.out).toMatch(/^state: revoked$/m);
    expect(done.out).toMatch(/connector +con_\w+ +true/);
    expect((await cli.run(['key', 'delete', 'ci/ci-1'])).out).toBe('done\n');
  });

  test('events are listed, of one Resource and one Connector too', async () => {
    const done = await cli.run(['events', '--resource', 'web', '--connector', 'office-1']);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).toContain('KIND');
  });
});
