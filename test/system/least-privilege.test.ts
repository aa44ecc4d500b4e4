/**
 * A Connector as a container would run it: an unprivileged user without a single capability, everything
 * read-only but its state directory; and once more without any writable place, its key from the environment.
 * The mounts are made in a namespace of their own, which needs root.
 */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confined, nobody } from '../world/confined.ts';
import { PrivateDns } from '../world/private-dns.ts';
import type { AgentProcess } from '../world/process.ts';
import { World } from '../world/world.ts';
import { startBulk } from './origin/bulk.ts';

const run = promisify(execFile);
const address = '127.84.0.20';

describe.skipIf(process.getuid?.() !== 0)('as nobody, read-only', () => {
  let world: World;
  let dns: PrivateDns;
  let port: number;
  let network: string;
  let client: AgentProcess & { proxy: string };
  let stopOrigin: () => Promise<void>;

  beforeAll(async () => {
    world = await World.start();
    dns = await PrivateDns.start({ 'app.internal': [address] });
    port = await world.port();
    stopOrigin = (await startBulk(address, port)).stop;
    await world.startRelay();
    network = (await world.admin.post('/remote-networks', { name: 'office' })).id;
    const resource = await world.admin.post('/resources', {
      name: 'app',
      address: 'app.internal',
      remote_network_id: network,
      allow_reserved: true,
    });
    const { key } = await world.createService('app', [resource.id]);
    client = await world.startClient(key, { args: ['--direct', 'off'] });
  }, 60_000);

  afterAll(async () => {
    await world?.stop();
    dns?.stop();
    await stopOrigin?.();
  });

  const fetched = async () =>
    (
      await run('curl', [
        '-sS',
        '-x',
        `http://${client.proxy}`,
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{size_download}',
        `http://app.internal:${port}/100000`,
      ])
    ).stdout;

  const privileges = (connector: AgentProcess) => {
    const status = readFileSync(`/proc/${connector.pid}/status`, 'utf8');
    return {
      uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
      capabilities: /^CapEff:\s+(\w+)/m.exec(status)?.[1],
    };
  };

  test('a Connector with a state directory enrols and forwards', async () => {
    const connector = await world.startConnector(
      network,
      'confined',
      { SALLYPORT_DNS: dns.address, SALLYPORT_STATE_DIR: '/mnt/state' },
      { prefix: confined(true) },
    );
    expect(privileges(connector)).toEqual({ uid: nobody, capabilities: '0000000000000000' });
    await expect.poll(fetched, { timeout: 10_000 }).toBe('200 100000');
    await connector.stop();
  });

  test('a Connector without any writable place takes its key from the environment', async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const connector = await world.startConnector(
      network,
      'diskless',
      {
        SALLYPORT_DNS: dns.address,
        SALLYPORT_STATE_DIR: '/mnt/state',
        SALLYPORT_CONNECTOR_KEY: key.export({ type: 'pkcs8', format: 'pem' }) as string,
      },
      { prefix: confined(false) },
    );
    expect(privileges(connector).uid).toBe(nobody);
    await expect.poll(fetched, { timeout: 10_000 }).toBe('200 100000');
    await connector.stop();
  });
});
