/**
 * The Node relay as a process of its own: how it starts and refuses to, what it says of itself, what it
 * bears from strangers, how it hears of a revocation, and how it goes and comes back.
 */
import { mkdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { relayLimits } from '#schema/relay/wire.ts';
import { type Office, openOffice } from '../world/office.ts';
import { AgentProcess } from '../world/process.ts';
import { SmallClient } from './small-client.ts';

let office: Office;
let relayUrl: string;
let metricsPort: number;

beforeAll(async () => {
  office = await openOffice();
  const { world } = office;
  metricsPort = await world.port();
  await office.relay.stop();
  office.relay = await world.startRelay('relay-1', ['--metrics-port', String(metricsPort)]);
  relayUrl = String((await office.relay.line('relay_ready')).url);
});
afterAll(() => office?.stop());

const get = async (path: string) => {
  const response = await fetch(relayUrl + path);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
/** However it ends. */
const gone = (socket: Socket) =>
  new Promise<void>((resolve) =>
    socket
      .resume()
      .on('error', () => {})
      .on('close', () => resolve()),
  );
const metrics = async () =>
  (await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).json()) as Record<string, number>;

async function eventually<T>(
  read: () => Promise<T> | T,
  holds: (value: T) => boolean,
  withinMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(value)} after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('says whether it lives and is ready, and nothing else to strangers', async () => {
  expect(await get('/livez')).toEqual({ status: 200, body: { live: true } });
  const { status, body } = await get('/readyz');
  expect([status, body.ready]).toEqual([200, true]);
  expect(await get('/metrics')).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await get('/relay/v1/connect')).toMatchObject({
    status: 426,
    body: { code: 'version_unsupported' },
  });
});

test('counts what it does, on loopback', async () => {
  await eventually(metrics, ({ connectors }) => connectors === 1);
  expect(await metrics()).toMatchObject({ sessions: 0, waiting: 0, registered: 1 });
});

test('gives up on a stranger who does not finish a request, and on one who says too much', async () => {
  const { hostname, port } = new URL(relayUrl);
  const slow = connect(Number(port), hostname);
  slow.write('GET /relay/v1/connect HTTP/1.1\r\nHost: x\r\n');
  const began = Date.now();
  const loud = connect(Number(port), hostname);
  loud.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(64 * 1024)}`);
  await Promise.all([gone(loud), gone(slow)]);
  expect(Date.now() - began).toBeLessThan(relayLimits.handshakeMs + 3_000);
});

test('bears only so many strangers of one address, and forgets those who go', async () => {
  const { hostname, port } = new URL(relayUrl);
  const strangers = Array.from({ length: 300 }, () => connect(Number(port), hostname));
  let turnedAway = 0;
  for (const one of strangers) one.on('error', () => {}).on('close', () => void turnedAway++);
  await eventually(
    () => turnedAway,
    (count) => count >= 300 - 256,
  );
  expect((await metrics()).unknown_callers).toBeLessThanOrEqual(256);
  for (const one of strangers) one.destroy();
  await eventually(metrics, ({ unknown_callers }) => unknown_callers === 0);
  expect((await get('/livez')).status).toBe(200);
});

test('cuts the tunnels of a revoked key at once and confirms it', async () => {
  const { world, resource } = office;
  const { id } = await resource('revocation.office.internal');
  const { key } = await world.createService('revoked-soon', [id]);
  const client = await SmallClient.login(key.file);
  client.answer.relays = client.answer.relays.filter(({ url }) => url === relayUrl);
  const tunnel = await client.tunnel(office.network);
  await eventually(metrics, ({ sessions }) => sessions === 1);
  const closed = new Promise((resolve) => tunnel.on('close', resolve));
  const { receipt } = await world.admin.post(`/service-keys/${key.id}/revoke`);
  expect(receipt.agents).toContainEqual(expect.objectContaining({ role: 'relay', confirmed: true }));
  await closed;
  await eventually(metrics, ({ sessions }) => sessions === 0);
});

test('announces its end, and Connectors come back to it', async () => {
  const { world, relay, connector } = office;
  relay.signal('SIGTERM');
  await relay.line('relay_draining');
  expect(await relay.exited).toBe(0);
  await connector.line(({ event, code }) => event === 'relay_link_down' && code === 'draining');
  office.relay = await world.startRelay('relay-1', ['--metrics-port', String(metricsPort)]);
  await eventually(metrics, ({ connectors }) => connectors === 1);
});

test('refuses to start with a token that was used, and on a port that is taken', async () => {
  const { world } = office;
  const { enrolment_token } = await world.operator.post('/relays', {
    name: 'twice',
    url: 'http://127.0.0.1:9',
  });
  const start = async (name: string, port: number, token: string) => {
    const stateDir = join(world.stateDir, name);
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const listen = `127.0.0.1:${port}`;
    const env = { SALLYPORT_URL: world.url, SALLYPORT_ENROLL_TOKEN: token, SALLYPORT_STATE_DIR: stateDir };
    const args = ['node-agents/sallyportd.ts', 'relay', '--listen', listen, '--url', `http://${listen}`];
    return new AgentProcess(name, args, { env });
  };
  const first = await start('twice-1', await world.port(), enrolment_token);
  await first.line('relay_ready');
  const second = await start('twice-2', await world.port(), enrolment_token);
  expect(await second.exited).toBe(3);
  expect(second.output()).toMatch(/sallyportd: .*token.*used/i);
  await first.stop();
  const third = await start('twice-1', Number(new URL(relayUrl).port), '');
  expect(await third.exited).toBe(6);
  expect(third.output()).toMatch(/sallyportd: .*in use/);
});
