/**
 * Unmodified programs through a real Client, relay and Connector: psql, curl to an HTTPS origin, WebSocket,
 * server-sent events and git.
 */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import type { AgentProcess } from '../world/process.ts';
import { startGit } from './origin/git.ts';
import { startPostgres } from './origin/postgres.ts';

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), 'sallyport-applications-'));
const cleanups: (() => unknown)[] = [];
let office: Office;
let client: AgentProcess & { proxy: string };
let ports: Record<'postgres' | 'forward' | 'http' | 'https' | 'git', number>;

beforeAll(async () => {
  office = await openOffice();
  const { world } = office;
  ports = {
    postgres: await world.port(),
    forward: await world.port(),
    http: await world.port(),
    https: await world.port(),
    git: await world.port(),
  };
  const names = ['db.internal', 'web.internal', 'git.internal'];
  const resources = await Promise.all(names.map((name) => office.resource(name)));
  const service = await world.createService(
    'applications',
    resources.map((resource) => resource.id),
  );
  client = await world.startClient(service.key, {
    args: ['--forward', `${ports.forward}=db.internal:${ports.postgres}`],
  });
}, 120_000);

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await office?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const curl = (...args: string[]) =>
  run('curl', ['-sS', '--max-time', '20', '-x', `http://${client.proxy}`, ...args]);

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, officeAddress);
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
}

test('psql talks to a real Postgres through --forward', async () => {
  const postgres = await startPostgres(officeAddress, ports.postgres, 'correct horse');
  cleanups.push(() => postgres.stop());
  const { stdout } = await run(
    'psql',
    [
      '-h',
      '127.0.0.1',
      '-p',
      String(ports.forward),
      '-U',
      'app',
      '-d',
      'postgres',
      '-Atc',
      'select sum(n) from generate_series(1, 100000) n',
    ],
    { env: { ...process.env, PGPASSWORD: 'correct horse' } },
  );
  expect(stdout.trim()).toBe('5000050000');
});

test('curl fetches from an HTTPS origin whose certificate it verifies end to end', async () => {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=web.internal'],
      ...[
        '-addext',
        'subjectAltName=DNS:web.internal',
        '-keyout',
        join(scratch, 'key.pem'),
        '-out',
        join(scratch, 'cert.pem'),
      ],
    ],
    { stdio: 'ignore' },
  );
  const server = createHttpsServer(
    { key: readFileSync(join(scratch, 'key.pem')), cert: readFileSync(join(scratch, 'cert.pem')) },
    (_, response) => response.end('secret page'),
  );
  await listen(server as unknown as Server, ports.https);
  const { stdout } = await curl(
    '--cacert',
    join(scratch, 'cert.pem'),
    `https://web.internal:${ports.https}/`,
  );
  expect(stdout).toBe('secret page');
});

test('a WebSocket works by absolute-form upgrade and inside CONNECT; server-sent events are not held back', async () => {
  const server = createHttpServer();
  let release: (() => void) | undefined;
  server.on('request', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    release = () => response.end('data: second\n\n');
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await listen(server, ports.http);
  const [host, port] = client.proxy.split(':') as [string, string];

  const byUpgrade = new WebSocket(`ws://${host}:${port}/`, {
    headers: { host: `web.internal:${ports.http}` },
    finishRequest: (request) => {
      request.path = `http://web.internal:${ports.http}/`;
      request.end();
    },
  });
  expect(await echo(byUpgrade, 'by upgrade')).toBe('by upgrade');

  const tunnel = connect(Number(port), host);
  tunnel.write(`CONNECT web.internal:${ports.http} HTTP/1.1\r\nHost: web.internal:${ports.http}\r\n\r\n`);
  expect(String((await once(tunnel, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
  const inside = new WebSocket(`ws://web.internal:${ports.http}/`, { createConnection: () => tunnel });
  expect(await echo(inside, 'inside')).toBe('inside');

  const events = await fetchThrough(client.proxy, `http://web.internal:${ports.http}/events`);
  expect(await events.next()).toContain('data: first');
  release!();
  expect(await events.next()).toContain('data: second');
});

test('git clones and pushes over HTTP', async () => {
  const git = await startGit(officeAddress, ports.git);
  cleanups.push(() => git.stop());
  const work = join(scratch, 'clone');
  const proxy = ['-c', `http.proxy=http://${client.proxy}`];
  await run('git', [...proxy, 'clone', '-q', `http://git.internal:${ports.git}/project.git`, work]);
  expect((await run('git', ['-C', work, 'rev-parse', 'HEAD'])).stdout.trim()).toBe(git.head);
  expect(statSync(join(work, 'data.bin')).size).toBe(3_000_000);
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  await run('git', ['-C', work, ...author, 'commit', '-q', '--allow-empty', '-m', 'second']);
  await run('git', ['-C', work, ...proxy, 'push', '-q', 'origin', 'HEAD:main']);
  const { stdout } = await run('git', [
    ...proxy,
    'ls-remote',
    `http://git.internal:${ports.git}/project.git`,
    'main',
  ]);
  expect(stdout).toContain((await run('git', ['-C', work, 'rev-parse', 'HEAD'])).stdout.trim());
});

test('the Connector’s events name the Service Account, the key and the Resource of each flow', async () => {
  const { admin } = office.world;
  await expect
    .poll(
      async () =>
        (await admin.get('/events?kind=closed&limit=200')).items.map((e: { host: string }) => e.host),
      {
        timeout: 10_000,
      },
    )
    .toEqual(expect.arrayContaining(['db.internal', 'web.internal', 'git.internal']));
  const [event] = (await admin.get('/events?kind=closed&limit=1')).items;
  expect(event).toMatchObject({
    principal: expect.stringMatching(/^svc_/),
    key: expect.stringMatching(/^key_/),
    resource: expect.stringMatching(/^res_/),
    connector: office.connector.id,
    path: 'relay',
  });
});

async function echo(socket: WebSocket, text: string): Promise<string> {
  await once(socket, 'open');
  socket.send(text);
  const [data] = await once(socket, 'message');
  socket.close();
  return String(data);
}

/** Reads a response body piece by piece, as it arrives. */
async function fetchThrough(proxy: string, url: string): Promise<{ next(): Promise<string> }> {
  const [host, port] = proxy.split(':') as [string, string];
  const socket = connect(Number(port), host);
  cleanups.push(() => socket.destroy());
  socket.write(`GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`);
  let text = '';
  return {
    async next() {
      const seen = text.length;
      while (!text.slice(seen).includes('data: ')) text += String((await once(socket, 'data'))[0]);
      return text.slice(seen);
    },
  };
}
