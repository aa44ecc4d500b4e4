/**
 * The headless Client as its users meet it: proxies, refusals with their reason, the straight way out,
 * fail-over between Connectors, a key that is replaced or dies, and the commands that ask a running Client.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import { AgentProcess } from '../world/process.ts';
import type { ServiceKey } from '../world/world.ts';

const run = promisify(execFile);
const cleanups: (() => unknown)[] = [];
let office: Office;
let client: AgentProcess & { proxy: string };
let service: { id: string; key: ServiceKey };
let ports: Record<'web' | 'other' | 'socks' | 'outside', number>;

beforeAll(async () => {
  office = await openOffice();
  const { world } = office;
  ports = {
    web: await world.port(),
    other: await world.port(),
    socks: await world.port(),
    outside: await world.port(),
  };
  await listen(
    createServer((request, response) => {
      if (request.url === '/drip') return void response.write('first drop\n');
      response.end('hello from inside\n');
    }),
    ports.web,
    officeAddress,
  );
  await listen(
    createServer((_, response) => response.end('hello from outside\n')),
    ports.outside,
    '127.0.0.1',
  );
  const web = await office.resource('web.internal', {
    tcp: [{ from: ports.web, to: ports.web }],
    udp: 'none',
  });
  await office.resource('secret.internal');
  service = await world.createService('shop', [web.id]);
  client = await world.startClient(service.key, { args: ['--socks5', `127.0.0.1:${ports.socks}`] });
}, 120_000);

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await office?.stop();
});

async function listen(server: Server, port: number, address: string): Promise<void> {
  server.listen(port, address);
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
}

const curlThrough = async (proxy: string, ...args: string[]): Promise<string> =>
  (await run('curl', ['-sS', '-m', '15', '-x', `http://${proxy}`, ...args])).stdout;
const curl = (...args: string[]) => curlThrough(client.proxy, ...args);
const web = () => `http://web.internal:${ports.web}/`;

async function sallyportd(args: string[], stateDir: string) {
  const process = new AgentProcess(args[0]!, ['node-agents/sallyportd.ts', ...args], {
    env: { SALLYPORT_STATE_DIR: stateDir },
  });
  return { code: await process.exited, output: process.output(), lines: process.lines };
}

/** A response that never ends, opened through CONNECT; resolves once its first bytes are here. */
async function drip(proxy: string) {
  const [host, port] = proxy.split(':') as [string, string];
  const socket = connect(Number(port), host);
  const closed = new Promise<void>((resolve) => socket.on('error', () => {}).once('close', () => resolve()));
  socket.write(`CONNECT web.internal:${ports.web} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(socket, 'data');
  socket.write('GET /drip HTTP/1.1\r\nHost: web.internal\r\n\r\n');
  await once(socket, 'data');
  cleanups.push(() => socket.destroy());
  return { socket, closed };
}

test('a page that only the Connector can reach comes by absolute-form, by CONNECT and by SOCKS5h', async () => {
  expect(await curl(web())).toBe('hello from inside\n');
  expect(await curl('-p', web())).toBe('hello from inside\n');
  const socks = await run('curl', [
    '-sS',
    '-m',
    '15',
    '--socks5-hostname',
    `127.0.0.1:${ports.socks}`,
    web(),
  ]);
  expect(socks.stdout).toBe('hello from inside\n');
});

test('a port that the Resource does not allow is refused with the reason, and told as an event', async () => {
  const answer = await curl('-i', `http://web.internal:${ports.other}/`);
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer).toContain('Proxy-Status: sallyport; error=http_request_denied; details="port_denied: ');
  const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
  expect(problem).toMatchObject({ code: 'port_denied', connection: expect.stringMatching(/^cnx_/) });
  await expect
    .poll(async () => (await office.world.admin.get('/events?kind=denied&limit=50')).items, {
      timeout: 10_000,
    })
    .toContainEqual(
      expect.objectContaining({ connection: problem.connection, code: 'port_denied', host: 'web.internal' }),
    );
});

test('what is no Resource goes straight out, and nowhere with --direct off', async () => {
  const outside = `http://localhost:${ports.outside}/`;
  expect(await curl(outside)).toBe('hello from outside\n');
  const strict = await office.world.startClient(service.key, { args: ['--direct', 'off'] });
  expect(await curlThrough(strict.proxy, web())).toBe('hello from inside\n');
  expect(await curlThrough(strict.proxy, outside)).toContain('"code":"not_a_resource"');
  expect(await curlThrough(strict.proxy, 'http://secret.internal/')).toContain('"code":"not_a_resource"');
  await strict.stop();
});

test('status, resources and report tell how the Client stands, without secrets', async () => {
  const stateDir = join(office.world.stateDir, client.name);
  const status = await sallyportd(['status'], stateDir);
  expect(status.code).toBe(0);
  expect(status.lines[0]).toEqual({ text: 'online' });
  const [json] = (await sallyportd(['status', '--json'], stateDir)).lines;
  expect(json).toMatchObject({ state: 'online', key: service.key.id, controller: { state: 'open' } });
  expect((await sallyportd(['resources'], stateDir)).output).toContain('web.internal');
  const report = (await sallyportd(['report'], stateDir)).output;
  expect(report).toContain('"event":"client_ready"'.replace(':', ': '));
  expect(report).not.toContain('web.internal');
  expect(report).not.toMatch(/BEGIN PRIVATE KEY|eyJ[\w-]+\./);
});

test('setup tries a key and installs it for its owner alone; what does not work is not installed', async () => {
  const { world } = office;
  const path = join(world.stateDir, 'installed', 'service_key.json');
  const setup = (source: string, ...more: string[]) =>
    sallyportd(
      ['setup', '--headless', source, '--service-key', path, '--no-systemd', ...more],
      world.stateDir,
    );
  const lost = join(world.stateDir, 'lost.json');
  await writeFile(lost, JSON.stringify({ ...service.key.file, network: 'http://127.0.0.1:9/t/acme' }));
  expect(await setup(lost)).toMatchObject({ code: 5, output: expect.stringContaining('--offline') });
  await expect(stat(path)).rejects.toThrow();
  expect(await setup(service.key.path)).toMatchObject({ code: 0, output: expect.stringContaining('works') });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(service.key.file);
  expect(await setup(lost, '--offline')).toMatchObject({ code: 0 });
});

test('health: live, ready, and whether a Resource can be reached', async () => {
  const ask = async (path: string) =>
    (await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', `http://${client.proxy}${path}`]))
      .stdout;
  expect(await ask('/livez')).toBe('200');
  expect(await ask('/readyz')).toBe('200');
  expect(await ask('/readyz?resource=web.internal')).toBe('200');
  expect(await ask('/readyz?resource=nothing.internal')).toBe('403');
});

test('when a Connector dies or falls silent, the next flow goes by another within a second', async () => {
  const { world, network, dns } = office;
  const second = await world.startConnector(network, 'connector-2', { SALLYPORT_DNS: dns.address });
  const stateDir = join(world.stateDir, client.name);
  const open = async () => {
    const [status] = (await sallyportd(['status', '--json'], stateDir)).lines as unknown as [Snapshot];
    return status.networks[0]!.connectors.filter(({ state }) => state === 'open').length;
  };
  await expect.poll(open, { timeout: 20_000, interval: 300 }).toBe(2);

  // Whichever is first in this Client's order, one of the two tests hits it.
  for (const connector of [office.connector, second]) {
    connector.signal('SIGSTOP');
    const started = Date.now();
    expect(await curl('-p', web())).toBe('hello from inside\n');
    expect(Date.now() - started).toBeLessThan(1_200);
    connector.signal('SIGCONT');
  }
  const live = await drip(client.proxy);
  await second.kill();
  const started = Date.now();
  expect(await curl('-p', web())).toBe('hello from inside\n');
  expect(Date.now() - started).toBeLessThan(1_200);
  live.socket.destroy();
}, 60_000);

test('a Connector that is asked to end takes no new flows and lets those that live go on', async () => {
  const { world, network, dns } = office;
  await office.connector.stop();
  const leaving = await world.startConnector(network, 'connector-3', { SALLYPORT_DNS: dns.address });
  const fresh = await world.startClient(service.key);
  const live = await drip(fresh.proxy);
  await world.startConnector(network, 'connector-1', { SALLYPORT_DNS: dns.address });
  leaving.signal('SIGTERM');
  await fresh.line((line) => line.event === 'tunnel_goaway' && line.code === 'draining');
  expect(live.socket.destroyed).toBe(false);
  expect(await curlThrough(fresh.proxy, '-p', web())).toBe('hello from inside\n');
  expect(live.socket.destroyed).toBe(false);
  await fresh.stop();
}, 60_000);

test('a key file that is replaced takes over; flows of the old key live on, and so does the Client when it is revoked', async () => {
  const { world } = office;
  const { key } = await world.createService('rotating', []);
  const account = service.id;
  const old = await world.createKey(account);
  await writeFile(key.path, JSON.stringify(old.file), { mode: 0o600 });
  const rotating = await world.startClient(key);
  const live = await drip(rotating.proxy);
  const fresh = await world.createKey(account);
  await writeFile(`${key.path}.new`, JSON.stringify(fresh.file), { mode: 0o600 });
  await rename(`${key.path}.new`, key.path);
  await rotating.line((line) => line.event === 'logged_in' && line.key === fresh.id);
  expect(live.socket.destroyed).toBe(false);
  expect(await curlThrough(rotating.proxy, web())).toBe('hello from inside\n');
  await world.admin.post(`/service-keys/${old.id}/revoke`);
  await live.closed;
  expect(await curlThrough(rotating.proxy, web())).toBe('hello from inside\n');
  await writeFile(key.path, 'broken');
  rotating.signal('SIGHUP');
  await rotating.line('key_reload_failed');
  expect(await curlThrough(rotating.proxy, web())).toBe('hello from inside\n');
  await rotating.stop();
}, 60_000);

test('a key that is revoked closes the flows and ends the Client with its own exit code', async () => {
  const { world } = office;
  const doomed = await world.createKey(service.id);
  const dying = await world.startClient(doomed);
  const live = await drip(dying.proxy);
  await world.admin.post(`/service-keys/${doomed.id}/revoke`);
  await live.closed;
  expect(await dying.exited).toBe(3);
  expect(dying.output()).toMatch(/sallyportd: .*revoked/);
});

test('before the login, programs are told what is waited for', async () => {
  const { world } = office;
  const path = join(world.stateDir, 'early.json');
  await writeFile(path, JSON.stringify({ ...service.key.file, network: 'http://127.0.0.1:9/t/acme' }));
  const early = await world.startClient({ path }, { ready: false });
  await early.line('waiting_for_controller');
  const answer = await curlThrough(early.proxy, '-i', web());
  expect(answer).toMatch(/^HTTP\/1\.1 50\d /);
  expect(answer).toContain('"code":"controller_unreachable"');
  expect(await curlThrough(early.proxy, `http://localhost:${ports.outside}/`)).toContain(
    'controller_unreachable',
  );
  await early.stop();
});
