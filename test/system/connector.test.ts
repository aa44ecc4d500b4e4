/**
 * Proves a Connector as a process, with a real Controller and real relays: enrolment, ACLs that arrive, flows
 * that pass or are refused each for its reason, revocation and drain in time, events that are never lost.
 */

import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createIdentity } from '#node-agents/link/identity.ts';
import { exitCodes } from '#node-agents/process/exit.ts';
import type { Answer } from '../world/admin.ts';
import { confined } from '../world/confined.ts';
import { type Office, officeAddress, openOffice } from '../world/office.ts';
import { AgentProcess } from '../world/process.ts';
import { endOf, newConnectionId, openFlow, outcome, SmallClient } from './small-client.ts';

let office: Office;
let origin: Server;
let port: number;
let account: string;
let key: Awaited<ReturnType<Office['world']['createKey']>>;
const resources: Record<string, Answer> = {};

beforeAll(async () => {
  office = await openOffice();
  origin = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('hello');
    socket.on('data', (chunk) => void socket.write(chunk));
  }).listen(0, officeAddress);
  await once(origin, 'listening');
  port = (origin.address() as { port: number }).port;
  resources.web = await office.resource('web.internal');
  resources.narrow = await office.resource('narrow.internal', { tcp: [{ from: 22, to: 22 }] });
  resources.rebound = await office.resource('rebound.internal', { allow_reserved: false });
  const made = await office.world.createService('app', [
    resources.web.id,
    resources.narrow.id,
    resources.rebound.id,
  ]);
  account = made.id;
  key = made.key;
}, 120_000);
afterAll(async () => {
  origin?.close();
  await office?.stop();
});

const enter = async () => {
  const client = await SmallClient.login(key.file);
  return { client, tunnel: await client.tunnel(office.network) };
};
const eventsOf = async (query: string) =>
  (await office.world.admin.get(`/events?${query}`)).items as Answer[];
const eventually = async <T>(probe: () => Promise<T | undefined>, withinMs = 10_000): Promise<T> => {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${probe}`);
    await new Promise((tick) => setTimeout(tick, 50));
  }
};
const connectorProcess = (name: string, env: Record<string, string>, prefix?: string[]) => {
  const agent = new AgentProcess(name, ['node-agents/sallyportd.ts', 'connector'], {
    env: { SALLYPORT_URL: office.world.tenantUrl, SALLYPORT_DNS: office.dns.address, ...env },
    ...(prefix && { prefix }),
  });
  office.world.processes.push(agent);
  return agent;
};
const scratch = () => mkdtempSync(join(tmpdir(), 'sallyport-connector-'));
const errorLine = (agent: AgentProcess) => agent.lines.map(({ text }) => text).find(Boolean);

describe('enrolment', () => {
  test('a token that was used is a permanent error with its own exit code; a later start ignores it', async () => {
    const made = await office.world.admin.post('/connectors', {
      name: 'twice',
      remote_network_id: office.network,
    });
    const folders = [scratch(), scratch()];
    const start = (folder: string) =>
      connectorProcess('twice', {
        SALLYPORT_ENROLL_TOKEN: made.enrolment_token,
        SALLYPORT_STATE_DIR: folder,
      });
    const first = start(folders[0]!);
    await first.line('connector_ready');
    const second = start(folders[1]!);
    expect(await second.exited).toBe(exitCodes.credential_dead.number);
    expect(errorLine(second)).toMatch(/has already been used.*Create a new enrolment token/);
    await first.stop();
    const again = start(folders[0]!);
    await again.line('connector_ready');
    chmodSync(join(folders[0]!, 'connector.json'), 0o640);
    await again.stop();
    const loose = start(folders[0]!);
    expect(await loose.exited).toBe(exitCodes.config.number);
    expect(errorLine(loose)).toMatch(/chmod 600 .*connector\.json/);
    await office.world.admin.post(`/connectors/${made.id}/revoke`);
    await office.world.admin.delete(`/connectors/${made.id}`);
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  test('a key from the environment needs no disk and no root', async () => {
    const made = await office.world.admin.post('/connectors', {
      name: 'diskless',
      remote_network_id: office.network,
    });
    const env = {
      SALLYPORT_CONNECTOR_KEY: (await createIdentity()).privateKeyPem,
      SALLYPORT_ENROLL_TOKEN: made.enrolment_token,
      SALLYPORT_STATE_DIR: '/sys/nowhere',
    };
    for (const _ of ['first start', 'second start']) {
      const agent = connectorProcess('diskless', env, confined(false));
      await agent.line('connector_ready');
      await agent.stop();
    }
    await office.world.admin.post(`/connectors/${made.id}/revoke`);
    await office.world.admin.delete(`/connectors/${made.id}`);
  });

  test('a Connector that is revoked ends, and says so in one line', async () => {
    const made = await office.world.admin.post('/connectors', {
      name: 'revoked',
      remote_network_id: office.network,
    });
    const folder = scratch();
    const agent = connectorProcess('revoked', {
      SALLYPORT_ENROLL_TOKEN: made.enrolment_token,
      SALLYPORT_STATE_DIR: folder,
    });
    await agent.line('connector_ready');
    await office.world.admin.post(`/connectors/${made.id}/revoke`);
    expect(await agent.exited).toBe(exitCodes.credential_dead.number);
    expect(errorLine(agent)).toMatch(/revoked/);
    await office.world.admin.delete(`/connectors/${made.id}`);
    rmSync(folder, { recursive: true });
  });
});

describe('flows', () => {
  test('one passes, and the Controller stores what happened', async () => {
    const { tunnel } = await enter();
    const flow = openFlow(tunnel, 'web.internal', port);
    expect(await flow.opened).toEqual({ resolved: officeAddress });
    flow.end();
    expect(await endOf(flow)).toBeUndefined();
    const closed = await eventually(async () => (await eventsOf('kind=closed&host=web.internal'))[0]);
    expect(closed).toMatchObject({
      key: key.id,
      principal: account,
      resource: resources.web.id,
      connector: office.connector.id,
      client_address: '192.0.2.1',
      path: 'relay',
      bytes_down: 5,
    });
    tunnel.close();
  });

  test('each refusal has its code, at the Client and in the event', async () => {
    const { tunnel } = await enter();
    office.dns.names.set('rebound.internal', ['127.0.0.1']);
    expect(await outcome(openFlow(tunnel, 'elsewhere.internal', port))).toBe('not_a_resource');
    expect(await outcome(openFlow(tunnel, 'narrow.internal', port))).toBe('port_denied');
    expect(await outcome(openFlow(tunnel, 'rebound.internal', port))).toBe('address_forbidden');
    office.dns.names.set('rebound.internal', ['169.254.169.254']);
    expect(await outcome(openFlow(tunnel, 'rebound.internal', 80))).toBe('address_forbidden');
    expect(await outcome(openFlow(tunnel, 'web.internal', 1))).toBe('connection_refused');
    office.dns.names.delete('rebound.internal');
    expect(await outcome(openFlow(tunnel, 'rebound.internal', port))).toBe('name_not_found');
    const codes = [
      'not_a_resource',
      'port_denied',
      'address_forbidden',
      'connection_refused',
      'name_not_found',
    ];
    for (const code of codes) {
      await eventually(async () => (await eventsOf(`code=${code}&principal=${account}`))[0]);
    }
    tunnel.close();
  });

  test('a new Resource is known to the Connector within a second', async () => {
    const before = Date.now();
    const fresh = await office.resource('fresh.internal');
    const applied = await office.connector.line(
      (line) => line.event === 'acl_applied' && Date.parse(String(line.time)) >= before && line.changed === 1,
    );
    expect(Date.parse(String(applied.time)) - before).toBeLessThan(1_000);
    expect(applied.base).toBeDefined();
    await office.world.admin.post('/grants', { resource_id: fresh.id, service_account_id: account });
    const { tunnel } = await enter();
    expect(await outcome(openFlow(tunnel, 'fresh.internal', port))).toBe('opened');
    await office.world.admin.delete(`/resources/${fresh.id}`).catch(() => undefined);
    tunnel.close();
  });

  test('a grant that is removed cuts the flow within a second; the ACL from before is void', async () => {
    const extra = await office.resource('extra.internal');
    const grant = await office.world.admin.post('/grants', {
      resource_id: extra.id,
      service_account_id: account,
    });
    const { client, tunnel } = await enter();
    const flow = openFlow(tunnel, 'extra.internal', port);
    await flow.opened;
    const ended = endOf(flow);
    const before = Date.now();
    await office.world.admin.delete(`/grants/${grant.id}`);
    expect(await ended).toBe('acl_superseded');
    expect(Date.now() - before).toBeLessThan(1_000);
    expect(await outcome(openFlow(tunnel, 'web.internal', port))).toBe('acl_superseded');
    await client.login();
    tunnel.renewAcl(client.acl(office.network));
    expect(await outcome(openFlow(tunnel, 'web.internal', port))).toBe('opened');
    expect(await outcome(openFlow(tunnel, 'extra.internal', port))).toBe('not_a_resource');
    tunnel.close();
  });

  test('a revoked key is cut within a second everywhere, with receipt and event', async () => {
    const other = await office.world.createKey(account);
    const client = await SmallClient.login(other.file);
    const tunnel = await client.tunnel(office.network);
    const flow = openFlow(tunnel, 'web.internal', port);
    await flow.opened;
    const { tunnel: untouched } = await enter();
    const ended = endOf(flow);
    const before = Date.now();
    const revoked = await office.world.admin.post(`/service-keys/${other.id}/revoke`);
    // The relay cuts the stream at the same moment, and may be first.
    expect(['revoked', 'peer_gone']).toContain(await ended);
    expect(Date.now() - before).toBeLessThan(1_000);
    expect(revoked.receipt.complete).toBe(true);
    const event = await eventually(async () => (await eventsOf(`key=${other.id}&kind=closed`))[0]);
    expect(event.code).toBe('revoked');
    expect(await outcome(openFlow(untouched, 'web.internal', port))).toBe('opened');
    untouched.close();
  });
});

describe('a Connector tells how it stands', () => {
  const health = async (stateDir: string, ...more: string[]) => {
    const args = ['node-agents/sallyportd.ts', 'connector', 'health', '--state-dir', stateDir, ...more];
    const command = new AgentProcess('health', args);
    return { code: await command.exited, lines: command.lines };
  };

  test('the health command tells connectivity, and fails where nothing runs', async () => {
    const here = await health(join(office.world.stateDir, 'connector-1'), '--json');
    expect(here.code).toBe(0);
    expect(here.lines[0]).toMatchObject({
      healthy: true,
      controller: { state: 'open' },
      connector: office.connector.id,
    });
    const nowhere = await health('/nowhere');
    expect(nowhere.code).toBe(exitCodes.failure.number);
    expect(nowhere.lines[0]!.text).toMatch(/no Connector is running/);
  });

  test('a relay that is added is linked to within seconds, one that goes is told of, and the rest carry on', async () => {
    const links = async () => {
      const { lines } = await health(join(office.world.stateDir, 'connector-1'), '--json');
      return lines[0]!.relays as Answer[];
    };
    const relay = await office.world.startRelay('relay-2');
    const { items } = await office.world.operator.get('/relays');
    const { id } = items.find(({ name }: Answer) => name === 'relay-2');
    const known = (state: string) =>
      eventually(async () => (await links()).find((link) => link.relay === id && link.state === state));
    await known('connected');
    const told = () => office.world.admin.get(`/connectors/${office.connector.id}`);
    await eventually(async () =>
      /connected to [23] of/.test((await told()).state_reason) ? true : undefined,
    );
    await relay.kill();
    await known('failed');
    const { tunnel } = await enter();
    expect(await outcome(openFlow(tunnel, 'web.internal', port))).toBe('opened');
    tunnel.close();
    await office.world.operator.delete(`/relays/${id}`);
    await eventually(async () => ((await links()).some((link) => link.relay === id) ? undefined : true));
  });

  test('probes and metrics, on loopback; a used port and a second one on the same state are refused', async () => {
    const made = await office.world.admin.post('/connectors', {
      name: 'probed',
      remote_network_id: office.network,
    });
    const stateDir = scratch();
    const metricsPort = await office.world.port();
    const env = {
      SALLYPORT_ENROLL_TOKEN: made.enrolment_token,
      SALLYPORT_STATE_DIR: stateDir,
      SALLYPORT_METRICS_PORT: String(metricsPort),
    };
    const agent = connectorProcess('probed', env);
    await agent.line('connector_ready');
    const get = (path: string) => fetch(`http://127.0.0.1:${metricsPort}${path}`);
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    expect(await (await get('/metrics')).text()).toMatch(/^sallyport_connector_controller_connected 1$/m);
    const second = connectorProcess('second', env);
    expect(await second.exited).toBe(exitCodes.address_in_use.number);
    expect(errorLine(second)).toMatch(/already runs with the state directory/);
    const other = connectorProcess('other', { ...env, SALLYPORT_STATE_DIR: scratch() });
    expect(await other.exited).toBe(exitCodes.address_in_use.number);
    expect(errorLine(other)).toContain(String(metricsPort));
    await agent.stop();
    await office.world.admin.post(`/connectors/${made.id}/revoke`);
    await office.world.admin.delete(`/connectors/${made.id}`);
    rmSync(stateDir, { recursive: true });
  });
});

test('with a staleness budget of 0 a lost Controller cuts at once, and it passes again once it is back', async () => {
  await office.world.admin.patch('/tenant', { staleness_budget_seconds: 0 });
  await office.connector.line((line) => line.event === 'acl_applied' && line.stale_after_s === 0);
  const { tunnel } = await enter();
  const flow = openFlow(tunnel, 'web.internal', port);
  await flow.opened;
  const ended = endOf(flow);
  await office.world.controller.stop();
  expect(await ended).toBe('acl_stale');
  expect(await outcome(openFlow(tunnel, 'web.internal', port))).toBe('acl_stale');
  await office.world.startController();
  await eventually(
    async () => ((await outcome(openFlow(tunnel, 'web.internal', port))) === 'opened' ? true : undefined),
    40_000,
  );
  await office.world.admin.patch('/tenant', { staleness_budget_seconds: 900 });
  await office.connector.line((line) => line.event === 'acl_applied' && line.stale_after_s === 900);
  tunnel.close();
});

test('while the Controller is away flows go on; their events are there after it is back, even past a kill', async () => {
  const { tunnel } = await enter();
  await office.world.controller.stop();
  const connection = newConnectionId();
  const flow = openFlow(tunnel, 'web.internal', port, connection);
  expect(await outcome(flow)).toBe('opened');
  flow.end();
  await endOf(flow);
  const spool = join(office.world.stateDir, 'connector-1', 'events');
  const spooled = () => readdirSync(spool).map((name) => readFileSync(join(spool, name), 'utf8'));
  await eventually(async () => (spooled().some((text) => text.includes('"closed"')) ? true : undefined));
  await office.connector.kill();
  await office.world.startController();
  expect(await eventsOf(`connection=${connection}`)).toEqual([]);
  office.connector = await office.world.startConnector(office.network, 'connector-1', {
    SALLYPORT_DNS: office.dns.address,
  });
  const stored = await eventually(async () => {
    const events = await eventsOf(`connection=${connection}`);
    return events.length === 2 ? events : undefined;
  });
  expect(stored.map(({ kind }) => kind).sort()).toEqual(['closed', 'established']);
  await eventually(async () => (readdirSync(spool).length === 0 ? true : undefined));
});

test('SIGTERM lets a live flow finish and takes no new one', async () => {
  const { tunnel } = await eventually(() => enter().catch(() => undefined));
  const connection = newConnectionId();
  const flow = openFlow(tunnel, 'web.internal', port, connection);
  await flow.opened;
  const goingAway = once(tunnel, 'goaway');
  const began = Date.now();
  office.connector.signal('SIGTERM');
  await goingAway;
  expect(await outcome(openFlow(tunnel, 'web.internal', port))).toBe('draining');
  const echoed = new Promise<string>((done) => {
    let seen = '';
    flow.on('data', (chunk: Buffer) => {
      seen += chunk;
      if (seen.endsWith('still here')) done(seen);
    });
  });
  flow.write('still here');
  expect(await echoed).toBe('hellostill here');
  flow.end();
  expect(await endOf(flow)).toBeUndefined();
  expect(await office.connector.exited).toBe(0);
  expect(Date.now() - began).toBeLessThan(7_000);
  expect((await eventsOf(`connection=${connection}&kind=closed`)).length).toBe(1);
});
