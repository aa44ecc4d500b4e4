/**
 * Many times the same: Clients that come and go on one Service Key, flows and tunnels that open and close.
 * Nobody is throttled, and nothing is left over in any process.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { runClient } from '#node-agents/client/client.ts';
import { askClient } from '#node-agents/client/local-api.ts';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import type { ClientConfig } from '#node-agents/process/config.ts';
import { readInvocation } from '#node-agents/process/config.ts';
import { realHost } from '#node-agents/process/host.ts';
import { createLog } from '#node-agents/process/log.ts';
import { Cable } from '../world/cable.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import { AgentProcess } from '../world/process.ts';
import { dripOrigin, fetchOnce } from './origin/drip.ts';

/** Garbage is collected soon, so that what stays is what is kept. */
const tight = { NODE_OPTIONS: '--max-old-space-size=64 --max-semi-space-size=1' };

let office: Office;
let origin: Server;
let cable: Cable;
let port: number;
let service: Awaited<ReturnType<Office['world']['createService']>>;
let client: AgentProcess & { proxy: string };

beforeAll(async () => {
  cable = await Cable.start();
  office = await openOffice({ relayUrl: cable.url, connectorEnv: tight });
  const { world } = office;
  cable.target = Number(new URL(`http://${(await office.relay.line('relay_ready')).listen}`).port);
  port = await world.port();
  origin = await dripOrigin(port, officeAddress);
  service = await world.createService('shop', [(await office.resource('web.internal')).id]);
  client = await world.startClient(service.key, { args: ['--direct', 'off'], env: tight });
}, 120_000);

afterAll(async () => {
  origin?.close();
  await office?.stop();
  cable?.stop();
});

/** The relay that carries the Client's next flow. */
async function metAt(): Promise<string | null | undefined> {
  const { networks } = await askClient<Snapshot>(join(office.world.stateDir, client.name), '/status');
  return networks[0]?.connectors.find(({ state }) => state === 'open')?.relay;
}

const web = () => fetchOnce(client.proxy, `http://web.internal:${port}/`);

test('200 Clients on one key at once: all log in, are counted while they live, and leave nothing', async () => {
  const { world } = office;
  const key = await world.createKey(service.id, { name: 'fleet' });
  const live = async () => (await world.admin.get(`/service-keys/${key.id}`)).live_instances;
  const clients = Array.from({ length: 200 }, (_, i) =>
    startInside(key.path, join(world.stateDir, `in-${i}`)),
  );
  onTestFinished(() => void Promise.allSettled(clients.map(({ stop }) => stop())));
  const refusals = await Promise.all(clients.map(({ ready }) => ready));
  expect(refusals.flat()).toEqual([]);
  await expect.poll(live, { timeout: 20_000 }).toBe(200);
  await Promise.all(clients.map(({ stop }) => stop()));
  await expect.poll(live, { timeout: 20_000 }).toBe(0);
}, 240_000);

test('2,000 short flows and 50 lost tunnels leave neither memory nor open files behind', async () => {
  const { relay } = await office.relay.line('relay_ready');
  const load = async (flows: number, losses: number) => {
    await flowsAtOnce(flows, 8);
    for (let lost = 0; lost < losses; lost++) {
      // Where the Node relay was slow to answer, the edge may have been quicker: the Client comes back by itself.
      await expect.poll(metAt, { timeout: 30_000 }).toBe(relay);
      expect(cable.pull(/^GET \/relay\/v1\/connect/)).toBeGreaterThan(0);
      expect(await web()).toBe('200');
    }
  };
  await load(1_000, 10);
  const before = await settled();
  await load(2_000, 50);
  const after = await settled();
  for (const [name, { files, mebibytes }] of Object.entries(after)) {
    expect(files - before[name]!.files, `files of ${name}`).toBeLessThanOrEqual(4);
    expect(mebibytes - before[name]!.mebibytes, `memory of ${name}`).toBeLessThan(
      name === 'workerd' ? 60 : 20,
    );
  }
  const { lines } = await commandOf('connector-1', 'connector', 'health', '--json');
  expect(lines[0]).toMatchObject({ flows: 0, tunnels: 1 });
}, 240_000);

/** A Client in this process; `ready` tells what kept it waiting. */
function startInside(keyPath: string, stateDir: string) {
  const ended = new AbortController();
  const ready = Promise.withResolvers<string[]>();
  const complaints: string[] = [];
  const log = createLog({
    level: 'info',
    write(line) {
      const { event, level, code } = JSON.parse(line);
      if (level !== 'info') complaints.push(`${event} ${code}`);
      if (event === 'tunnel_open') ready.resolve(complaints);
    },
  });
  const host = { ...realHost(log, ended.signal), onReload: () => () => {} };
  const { config } = readInvocation(
    ['--http-proxy', '127.0.0.1:1', '--tun', 'off', '--service-key', keyPath, '--state-dir', stateDir],
    {},
  ) as { config: ClientConfig };
  const running = runClient({ ...config, httpProxy: undefined }, host);
  running.catch(ready.reject);
  const stop = () => {
    ended.abort();
    return running;
  };
  return { ready: ready.promise, stop };
}

async function flowsAtOnce(count: number, atOnce: number): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) expect(await web()).toBe('200');
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function commandOf(name: string, ...args: string[]): Promise<AgentProcess> {
  const stateDir = join(office.world.stateDir, name);
  const command = new AgentProcess(name, ['node-agents/sallyportd.ts', ...args], {
    env: { SALLYPORT_STATE_DIR: stateDir },
  });
  return command.exited.then(() => command);
}

/** Open files and memory of every process, once both have stopped falling. */
async function settled() {
  const {
    client: clientPid,
    connector,
    relay,
    workerd,
  } = {
    client: client.pid,
    connector: office.connector.pid,
    relay: office.relay.pid,
    workerd: JSON.parse(readFileSync(join(office.world.stateDir, 'controller', 'workerd.json'), 'utf8'))[0]
      .pid as number,
  };
  const look = () =>
    Object.fromEntries(
      Object.entries({ client: clientPid, connector, relay, workerd }).map(([name, pid]) => [
        name,
        usageOf(pid),
      ]),
    );
  let last = look();
  for (;;) {
    await new Promise((tick) => setTimeout(tick, 1_500));
    const now = look();
    const falling = Object.entries(now).some(
      ([name, { files, mebibytes }]) => files < last[name]!.files || mebibytes < last[name]!.mebibytes - 1,
    );
    last = now;
    if (!falling) return now;
  }
}

function usageOf(pid: number): { files: number; mebibytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  return { files: readdirSync(`/proc/${pid}/fd`).length, mebibytes };
}
