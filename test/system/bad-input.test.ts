/**
 * What people get wrong: each mistake ends in one line that names it and the remedy, with the right exit
 * code, and never in a stack trace.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AgentProcess } from '../world/process.ts';
import { type ServiceKey, World } from '../world/world.ts';

let world: World;
let folder: string;
let key: ServiceKey;

beforeAll(async () => {
  world = await World.start();
  folder = await mkdtemp(join(tmpdir(), 'sallyport-bad-input-'));
  key = (await world.createService('careless')).key;
});

afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

let count = 0;

async function sallyportd(args: string[], env: Record<string, string> = {}, stdin?: string) {
  const process = new AgentProcess(`attempt-${count++}`, ['node-agents/sallyportd.ts', ...args], {
    env: { SALLYPORT_STATE_DIR: join(folder, `state-${count}`), ...env },
    ...(stdin !== undefined && { stdin }),
  });
  return process;
}

/** Runs to its end and gives its exit code and its one line for people. */
async function complaintOf(args: string[], env: Record<string, string> = {}, stdin?: string) {
  const process = await sallyportd(args, env, stdin);
  const code = await process.exited;
  const output = process.output();
  expect(output, 'a stack trace').not.toMatch(/^\s+at .+:\d+/m);
  const lines = process.lines.flatMap(({ text }) => (typeof text === 'string' && text !== '' ? [text] : []));
  expect(lines, output).toHaveLength(1);
  return { code, line: lines[0]! };
}

const client = (keyFile: string) => ['--http-proxy', '127.0.0.1:0', '--tun', 'off', '--service-key', keyFile];

const written = async (name: string, content: string) => {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
};

describe('the Service Key file', () => {
  const text = () => JSON.stringify(key.file);
  const cases: [string, () => string, RegExp][] = [
    ['truncated', () => text().slice(0, 200), /truncated|not complete|not valid JSON|cut/i],
    ['not JSON at all', () => 'hello', /JSON|base64/i],
    ['another kind of JSON', () => '{"type":"service_account"}', /version|field|missing|network/i],
    [
      'with a public key in place of the private one',
      () =>
        JSON.stringify({
          ...key.file,
          private_key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
            type: 'spki',
            format: 'pem',
          }),
        }),
      /private/i,
    ],
    [
      'with a key of another curve',
      () =>
        JSON.stringify({
          ...key.file,
          private_key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({
            type: 'pkcs8',
            format: 'pem',
          }),
        }),
      /P-256/,
    ],
    ['empty', () => '', /empty/i],
  ];
  for (const [name, content, expected] of cases) {
    test(`${name} is refused`, async () => {
      const { code, line } = await complaintOf(client(await written(`${name}.json`, content())));
      expect(code).toBe(4);
      expect(line).toMatch(expected);
    });
  }

  test('that does not exist is named', async () => {
    const { code, line } = await complaintOf(client(join(folder, 'nowhere.json')));
    expect(code).toBe(4);
    expect(line).toContain('nowhere.json');
  });

  test('is accepted minified, spread out, as base64, on stdin and from the environment', async () => {
    const forms: [string, Record<string, string>, string?][] = [
      [await written('spread.json', JSON.stringify(key.file, null, 4)), {}],
      [await written('base64', Buffer.from(text()).toString('base64')), {}],
      ['-', {}, text()],
      ['env:MY_KEY', { MY_KEY: text() }],
    ];
    for (const [source, env, stdin] of forms) {
      const process = await sallyportd(client(source), env, stdin);
      await process.line('client_ready');
      await process.stop();
    }
  }, 60_000);
});

test('a dead key ends the Client with the exit code for dead credentials', async () => {
  const dead = (await world.createService('short-lived')).key;
  await world.admin.post(`/service-keys/${dead.id}/revoke`);
  const { code, line } = await complaintOf(client(dead.path));
  expect(code).toBe(3);
  expect(line).toMatch(/revoked/i);
  await world.admin.delete(`/service-keys/${dead.id}`);
  expect((await complaintOf(client(dead.path))).code).toBe(3);
});

test('an unreachable Controller is waited for, and each wait says what for', async () => {
  const lost = await written(
    'lost.json',
    JSON.stringify({ ...key.file, network: 'http://127.0.0.1:9/t/acme' }),
  );
  const process = await sallyportd(client(lost));
  const line = await process.line((one) => JSON.stringify(one).includes('controller_unreachable'));
  expect(JSON.stringify(line)).toContain('127.0.0.1:9');
  expect(process.running).toBe(true);
  await process.stop();
});

test('a Tenant that does not exist is named', async () => {
  const path = await written(
    'stranger.json',
    JSON.stringify({ ...key.file, network: `${world.url}/t/nobody` }),
  );
  const { code, line } = await complaintOf(client(path));
  expect([3, 4]).toContain(code);
  expect(line).toMatch(/Tenant/);
});

test('a port in use is named', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const { code, line } = await complaintOf(['--http-proxy', `127.0.0.1:${port}`, '--service-key', key.path]);
  expect(code).toBe(6);
  expect(line).toContain(String(port));
  taken.close();
});

test('an unknown flag, a wrong address and a wrong sub-command are named', async () => {
  for (const [args, expected] of [
    [['--http-porxy', '127.0.0.1:1'], /--http-porxy/],
    [['--http-proxy', 'nonsense'], /--http-proxy/],
    [['--tun', 'sideways'], /--tun/],
    [['conector'], /conector/],
  ] as const) {
    const { code, line } = await complaintOf([...args]);
    expect(code).toBe(2);
    expect(line).toMatch(expected);
  }
});

test('an unusable state directory is named', async () => {
  const path = await written('a-file', 'not a folder');
  const { code, line } = await complaintOf(['connector'], {
    SALLYPORT_URL: world.tenantUrl,
    SALLYPORT_ENROLL_TOKEN: 'spe_x',
    SALLYPORT_STATE_DIR: path,
  });
  expect(code).toBe(4);
  expect(line).toContain('a-file');
});

test('a Connector refuses a private key that others can read', async () => {
  const network = await world.admin.post('/remote-networks', { name: 'loose' });
  const first = await world.startConnector(network.id, 'loose-connector');
  await first.stop();
  const state = join(world.stateDir, 'loose-connector');
  const { readdirSync, statSync } = await import('node:fs');
  for (const name of readdirSync(state)) {
    if (statSync(join(state, name)).isFile()) await chmod(join(state, name), 0o644);
  }
  const { code, line } = await complaintOf(['connector'], {
    SALLYPORT_URL: world.tenantUrl,
    SALLYPORT_STATE_DIR: state,
  });
  expect(code).toBe(4);
  expect(line).toMatch(/chmod 600/);
}, 60_000);

test('an enrolment token that was used ends a second Connector for good', async () => {
  const network = await world.admin.post('/remote-networks', { name: 'twice' });
  const created = await world.admin.post('/connectors', { name: 'twice', remote_network_id: network.id });
  const env = { SALLYPORT_URL: world.tenantUrl, SALLYPORT_ENROLL_TOKEN: created.enrolment_token };
  const first = await sallyportd(['connector'], env);
  await first.line('connector_ready');
  const { code, line } = await complaintOf(['connector'], env);
  expect(code).toBe(3);
  expect(line).toMatch(/already been used/);
  await first.stop();
}, 60_000);

test('a clock that is ten minutes off changes nothing', async () => {
  for (const offset of ['-600000', '600000']) {
    const process = await sallyportd(client(key.path), { SALLYPORT_DEBUG_CLOCK_OFFSET_MS: offset });
    await process.line('client_ready');
    await process.stop();
  }
}, 60_000);

test('asking a Client that does not run says so', async () => {
  await mkdir(join(folder, 'idle'), { mode: 0o700 });
  for (const command of ['status', 'resources']) {
    const process = await sallyportd([command], { SALLYPORT_STATE_DIR: join(folder, 'idle') });
    expect(await process.exited).not.toBe(0);
    expect(process.output()).toMatch(/not.running/);
  }
});
