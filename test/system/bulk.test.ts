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

const peaks = () =>
  Object.fromEntries(
    Object.entries({ client, relay: office.relay, connector: office.connector }).map(([name, process]) => [
      name,
      Math.round(process.memory().peak),
    ]),
  );

function expectFlatMemory(): void {
  for (const [name, peak] of Object.entries(peaks()))
    expect(peak, `peak MiB of the ${name}`).toBeLessThan(memoryLimit);
}

test('1 GB down arrives whole, in flat memory', async () => {
  const curl = spawn('curl', [
    '-sS',
    '--fail',
    '-x',
    `http://${client.proxy}`,
    `http://files.internal:${port}/${gigabyte}`,
  ]);
  const hash = createHash('sha256');
  for await (const chunk of curl.stdout) hash.update(chunk as Buffer);
  expect(hash.digest('hex')).toBe(sumOf(gigabyte));
  expectFlatMemory();
}, 180_000);

test('1 GB up arrives whole, in flat memory', async () => {
  const curl = spawn('curl', [
    ...['-sS', '--fail', '-x', `http://${client.proxy}`, '-H', 'expect:'],
    ...['-T', '-', '-X', 'POST', `http://files.internal:${port}/sum`],
  ]);
  let answer = '';
  curl.stdout.on('data', (chunk) => {
    answer += chunk;
  });
  for (const block of blocks(gigabyte)) if (!curl.stdin.write(block)) await once(curl.stdin, 'drain');
  curl.stdin.end();
  await once(curl, 'close');
  expect(answer).toBe(sumOf(gigabyte));
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
  const fast = spawn('curl', [
    '-sS',
    '--fail',
    '-x',
    `http://${client.proxy}`,
    `http://files.internal:${port}/200000000`,
  ]);
  const hash = createHash('sha256');
  for await (const chunk of fast.stdout) hash.update(chunk as Buffer);
  expect(hash.digest('hex')).toBe(sumOf(200_000_000));
  expectFlatMemory();
  stopped.destroy();
}, 120_000);

async function openThrough(target: number): Promise<Socket> {
  const [host, proxyPort] = client.proxy.split(':') as [string, string];
  const socket = connect({ port: Number(proxyPort), host, allowHalfOpen: true });
  socket.write(`CONNECT files.internal:${target} HTTP/1.1\r\nHost: files.internal:${target}\r\n\r\n`);
  const [head] = await once(socket, 'data');
  expect(String(head)).toMatch(/^HTTP\/1\.1 200 /);
  return socket;
}
