/**
 * Large bodies and many flows: content survives, memory stays flat, and a reader that stops takes nothing
 * from the others.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import type { AgentProcess } from '../world/process.ts';
import { World } from '../world/world.ts';
import { blocks, startBulk, sumOf } from './origin/bulk.ts';

const gigabyte = 1024 ** 3;
const memoryLimit = 250;
const cleanups: (() => unknown)[] = [];
let office: Office;
let client: AgentProcess & { proxy: string };
let port: number;
let echoPort: number;

beforeAll(async () => {
  office = await openOffice();
  port = await office.world.port();
  echoPort = await office.world.port();
  const bulk = await startBulk(officeAddress, port);
  cleanups.push(() => bulk.stop());
  const resource = await office.resource('files.internal');
  const { key } = await office.world.createService('bulk', [resource.id]);
  client = await office.world.startClient(key);
}, 120_000);

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await office?.stop();
});

function expectFlatMemory(
  agents: Record<string, AgentProcess> = { client, relay: office.relay, connector: office.connector },
): void {
  for (const [name, process] of Object.entries(agents))
    expect(Math.round(process.memory().peak), `peak MiB of the ${name}`).toBeLessThan(memoryLimit);
}

test('1 GB down arrives whole, in flat memory', async () => {
  expect(await download(client.proxy, `http://files.internal:${port}/${gigabyte}`)).toBe(sumOf(gigabyte));
  expectFlatMemory();
}, 180_000);

test('1 GB up arrives whole, in flat memory', async () => {
  expect(await upload(client.proxy, `http://files.internal:${port}/sum`, gigabyte)).toBe(sumOf(gigabyte));
  expectFlatMemory();
}, 180_000);

test('500 flows at once all get their own bytes back', async () => {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) =>
    socket.on('error', () => {}).pipe(socket),
  );
  server.listen(echoPort, officeAddress, 1024);
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const flows = await Promise.all(Array.from({ length: 500 }, () => openThrough(echoPort)));
  const answers = await Promise.all(
    flows.map(async (socket, n) => {
      socket.end(`flow ${n} `.repeat(1000));
      const hash = createHash('sha256');
      for await (const chunk of socket) hash.update(chunk as Buffer);
      return hash.digest('hex') === createHash('sha256').update(`flow ${n} `.repeat(1000)).digest('hex');
    }),
  );
  expect(answers.filter((ok) => !ok)).toEqual([]);
  expectFlatMemory();
}, 60_000);

test('a reader that stops neither starves a fast one nor grows memory', async () => {
  const stopped = await openThrough(port);
  stopped.write(`GET /${gigabyte} HTTP/1.1\r\nHost: files.internal\r\n\r\n`);
  await once(stopped, 'data');
  stopped.pause();
  const sum = await download(client.proxy, `http://files.internal:${port}/200000000`);
  expect(sum).toBe(sumOf(200_000_000));
  expectFlatMemory();
  stopped.destroy();
}, 120_000);

test('300 MB both ways through the edge relay arrive whole, in flat memory of the agents', async () => {
  const world = await World.start();
  cleanups.push(() => world.stop());
  const network = await world.admin.post('/remote-networks', { name: 'edge' });
  const connector = await world.startConnector(network.id);
  const resource = await world.admin.post('/resources', {
    name: 'files',
    remote_network_id: network.id,
    address: officeAddress,
    allow_reserved: true,
  });
  const { key } = await world.createService('edge', [resource.id]);
  const atEdge = await world.startClient(key);
  const size = 300_000_000;
  const origin = `http://${officeAddress}:${port}`;
  expect(await download(atEdge.proxy, `${origin}/${size}`)).toBe(sumOf(size));
  expect(await upload(atEdge.proxy, `${origin}/sum`, size)).toBe(sumOf(size));
  expectFlatMemory({ client: atEdge, connector });
}, 180_000);

/** @returns SHA-256 of the body. */
async function download(proxy: string, url: string): Promise<string> {
  const curl = spawn('curl', ['-sS', '--fail', '-x', `http://${proxy}`, url]);
  const hash = createHash('sha256');
  for await (const chunk of curl.stdout) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** @returns what the origin answers: SHA-256 of the body it has received. */
async function upload(proxy: string, url: string, size: number): Promise<string> {
  const curl = spawn('curl', [
    ...['-sS', '--fail', '-x', `http://${proxy}`, '-H', 'expect:'],
    ...['-T', '-', '-X', 'POST', url],
  ]);
  let answer = '';
  curl.stdout.on('data', (chunk) => {
    answer += chunk;
  });
  for (const block of blocks(size)) if (!curl.stdin.write(block)) await once(curl.stdin, 'drain');
  curl.stdin.end();
  await once(curl, 'close');
  return answer;
}

async function openThrough(target: number): Promise<Socket> {
  const [host, proxyPort] = client.proxy.split(':') as [string, string];
  const socket = connect({ port: Number(proxyPort), host, allowHalfOpen: true });
  socket.write(`CONNECT files.internal:${target} HTTP/1.1\r\nHost: files.internal:${target}\r\n\r\n`);
  const [head] = await once(socket, 'data');
  expect(String(head)).toMatch(/^HTTP\/1\.1 200 /);
  return socket;
}
