import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchKeyFile } from '#node-agents/client/key-watch.ts';
import { Listeners } from '#node-agents/client/listeners.ts';
import { askClient, serveLocalApi } from '#node-agents/client/local-api.ts';
import { createLog } from '#node-agents/process/log.ts';

const log = createLog({ level: 'error', write: () => {} });
const local = { host: '127.0.0.1', port: 0 };

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  await body(folder).finally(() => rmSync(folder, { recursive: true }));
}

test('an address in use, or none of this machine’s, is named with its flag', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const add = (address: { host: string; port: number }) =>
    new Listeners().add('http_proxy', 'http-proxy', createServer(), address);
  await expect(add({ host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'address_in_use',
    message: `--http-proxy 127.0.0.1:${port}: another program listens there already`,
  });
  await expect(add({ host: '203.0.113.1', port: 80 })).rejects.toMatchObject({ code: 'config_invalid' });
  taken.close();
});

test('a socket that systemd hands over and no flag is for is refused: programs would wait there for ever', () => {
  const listeners = new Listeners(new Map([['http-proxy', 3]]));
  expect(() => listeners.refuseUnclaimed()).toThrow('a socket named "http-proxy"');
});

test('closing lets a connection finish, then cuts it', async () => {
  const listeners = new Listeners();
  await listeners.add('forward', 'forward', createServer(), local);
  const port = Number(listeners.addresses['forward']!.split(':')[1]);
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const [cut] = await Promise.all([once(socket, 'error'), listeners.close(50)]);
  expect(cut[0].code).toBe('ECONNRESET');
});

test('the local socket is for its owner alone, replaces one that a killed Client left, and is not stolen', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'state', 'client.sock');
    const answers = { '/status': () => ({ state: 'online' }) } as const;
    const first = await serveLocalApi(join(folder, 'state'), answers, log);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
    expect(await askClient(join(folder, 'state'), '/status')).toEqual({ state: 'online' });
    expect(await serveLocalApi(join(folder, 'state'), answers, log)).toBeUndefined();
    first!.close();
    writeFileSync(path, '');
    const second = await serveLocalApi(join(folder, 'state'), answers, log);
    expect(await askClient(join(folder, 'state'), '/status')).toEqual({ state: 'online' });
    second!.close();
    await expect(askClient(folder, '/status')).rejects.toMatchObject({ code: 'not_running' });
  });
});

test('a key file that is written anew or replaced is noticed, a mere touch is not', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'service_key.json');
    writeFileSync(path, 'one');
    let changes = 0;
    const stop = watchKeyFile(path, () => changes++);
    await new Promise((resolve) => setTimeout(resolve, 50));
    writeFileSync(path, 'one');
    writeFileSync(path, 'two');
    await expect.poll(() => changes).toBe(1);
    writeFileSync(`${path}.new`, 'three');
    renameSync(`${path}.new`, path);
    await expect.poll(() => changes).toBe(2);
    stop();
  });
});
