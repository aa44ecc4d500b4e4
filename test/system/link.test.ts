/**
 * The agents' link against the real Controller and the real relays, Node and edge: enrolment, login, the
 * control channel, and every way through a relay, with no Connector or Client around it.
 */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { createRemoteJWKSet } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { type ControlChannel, openControlChannel } from '#node-agents/link/control.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { acceptPinned, connectPinned } from '#node-agents/link/pinned-tls.ts';
import { connectThrough } from '#node-agents/link/relay/meet.ts';
import { type Registration, register } from '#node-agents/link/relay/register.ts';
import { createLog } from '#node-agents/process/log.ts';
import type { Random } from '#node-agents/process/random.ts';
import type { TokenAnswer } from '#schema/control/login.ts';
import { capability, type FromController, type RelayEntry } from '#schema/control/messages.ts';
import { SallyportError } from '#schema/errors.ts';
import { verifyToken } from '#schema/token/verify.ts';
import { type ServiceKey, World } from '../world/world.ts';

const random: Random = (length) => crypto.getRandomValues(new Uint8Array(length));
const log = createLog({ level: 'error' });

let world: World;
let network: string;
let key: ServiceKey;
let account: string;
let connector: Agent;
const closers: (() => void)[] = [];

interface Agent {
  subject: string;
  identity: Identity;
  clock: ControllerClock;
  controller: ControllerClient;
  answer: TokenAnswer;
  login(): Promise<TokenAnswer>;
}

async function agentOf(
  identity: Identity,
  subjectOf: (controller: ControllerClient) => Promise<string>,
  assertionKey: Identity['cryptoKey'] = identity.cryptoKey,
  clockOffsetMs = 0,
): Promise<Agent> {
  const clock = new ControllerClock(() => Date.now() + clockOffsetMs);
  const controller = new ControllerClient({ url: world.tenantUrl, identity, clock, log, random });
  const subject = await subjectOf(controller);
  const login = () => controller.login({ subject, assertionKey });
  return { subject, identity, clock, controller, login, answer: await login() };
}

async function newConnector(name: string, clockOffsetMs = 0): Promise<Agent> {
  const created = await world.admin.post('/connectors', { name, remote_network_id: network });
  const enrol = async (controller: ControllerClient) =>
    (await controller.enrol({ token: created.enrolment_token, version: '1' })).id;
  const identity = await createIdentity();
  return agentOf(identity, enrol, identity.cryptoKey, clockOffsetMs);
}

async function newClient(clockOffsetMs = 0): Promise<Agent> {
  const assertionKey = createPrivateKey(String(key.file['private_key'])).toCryptoKey(
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['sign'],
  );
  return agentOf(await createIdentity(), async () => key.id, assertionKey, clockOffsetMs);
}

interface Channel {
  channel: ControlChannel;
  messages: FromController[];
  states: string[];
  next<T extends FromController['type']>(type: T, from?: number): Promise<FromController & { type: T }>;
}

function openChannel({ controller, login }: Agent, aclVersion?: number): Channel {
  const messages: FromController[] = [];
  const states: string[] = [];
  const channel = openControlChannel({
    controller,
    login,
    hello: () => ({
      type: 'hello',
      capability,
      version: '1',
      ...(aclVersion !== undefined && { acl_version: aclVersion }),
    }),
    onMessage(message) {
      messages.push(message);
      if (message.type !== 'revoke') return;
      const { revocation } = message;
      channel.send({ type: 'receipt', revocation, flows_cut: 0, tunnels_cut: 0 });
    },
    onState: (state, code) => states.push(code ? `${state} ${code}` : state),
    now: Date.now,
    random,
    log,
  });
  closers.push(() => channel.close());
  const next = async <T extends FromController['type']>(type: T, from = 0) => {
    const found = () => messages.slice(from).find((message) => message.type === type);
    await until(
      () => found() !== undefined,
      () => `${type} among ${JSON.stringify(messages).slice(0, 500)}`,
    );
    return found() as FromController & { type: T };
  };
  return { channel, messages, states, next };
}

/** Registers at a relay; every Client that comes in is answered with what it says. */
async function echoAt(agent: Agent, relay: RelayEntry, pinned = false): Promise<Registration> {
  const states: string[] = [];
  const registration = register({
    relay,
    identity: agent.identity,
    clock: agent.clock,
    registration: () => agent.answer.connector!.registration,
    onIncoming: (_, accept) =>
      void accept().then(
        (stream) => {
          stream.on('error', () => {});
          if (pinned) return echoPinned(agent, stream);
          stream.pipe(stream);
        },
        (error) => states.push(String(error)),
      ),
    onState: (state, code) => states.push(code ? `${state} ${code}` : state),
    random,
    log,
  });
  closers.push(() => registration.close());
  await until(
    () => registration.state === 'connected',
    () => `registered at ${relay.url}: ${states}`,
  );
  return registration;
}

async function echoPinned({ identity }: Agent, stream: Duplex): Promise<void> {
  const { socket } = await acceptPinned(stream, { identity, timeoutMs: 5_000 });
  socket.on('error', () => {});
  socket.pipe(socket);
}

async function until(holds: () => boolean, what: () => string, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function refusalOf(work: Promise<unknown>): Promise<SallyportError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof SallyportError)) throw error ?? new Error('it was not refused');
  return error;
}

const nodeRelays = (answer: TokenAnswer) => answer.relays.filter(({ carriers }) => carriers.includes('raw'));
const edgeRelays = (answer: TokenAnswer) => answer.relays.filter(({ carriers }) => !carriers.includes('raw'));

async function meet(client: Agent, relays: RelayEntry[], hash: string = connector.identity.hash) {
  const tokens = await client.controller.connections([hash]);
  const { identity, clock } = client;
  const meeting = await connectThrough({ relays, connectionToken: tokens[hash]!, identity, clock, random });
  closers.push(() => meeting.stream.destroy());
  return meeting;
}

async function expectEcho(stream: Duplex, length = 1_000_000): Promise<void> {
  const sent = randomBytes(length);
  const came: Buffer[] = [];
  let got = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    came.push(chunk);
    got += chunk.length;
  });
  stream.write(sent);
  await until(
    () => got >= length,
    () => `${got} of ${length} bytes back`,
  );
  expect(Buffer.concat(came).equals(sent)).toBe(true);
  stream.destroy();
}

beforeAll(async () => {
  world = await World.start();
  await world.startRelay('relay-1');
  await world.startRelay('relay-2');
  network = (await world.admin.post('/remote-networks', { name: 'office' })).id;
  const resource = await world.admin.post('/resources', {
    name: 'wiki',
    remote_network_id: network,
    address: 'wiki.internal',
  });
  const service = await world.createService('robot', [resource.id]);
  account = service.id;
  key = service.key;
  connector = await newConnector('connector-1');
}, 90_000);

afterAll(async () => {
  for (const close of closers) close();
  await world?.stop();
});

describe('a Connector', () => {
  test('enrols, logs in, and is told its hash and the relays', () => {
    expect(connector.subject).toMatch(/^con_/);
    expect(connector.answer.connector?.hash).toBe(connector.identity.hash);
    expect(nodeRelays(connector.answer)).toHaveLength(2);
    expect(edgeRelays(connector.answer)).toHaveLength(1);
  });

  test('cannot enrol twice with one token', async () => {
    const created = await world.admin.post('/connectors', { name: 'twice', remote_network_id: network });
    const request = { token: created.enrolment_token, version: '1' };
    const enrol = async () => {
      const identity = await createIdentity();
      const clock = new ControllerClock(Date.now);
      return new ControllerClient({ url: world.tenantUrl, identity, clock, log, random }).enrol(request);
    };
    await enrol();
    expect((await refusalOf(enrol())).code).toBe('enrolment_used');
  });

  test('hears its ACL on the control channel, and of a change within a second', async () => {
    const { channel, messages, next } = openChannel(connector);
    await next('welcome');
    const first = await next('connector_acl');
    const keys = createRemoteJWKSet(new URL(`${world.tenantUrl}/.well-known/jwks.json`));
    const expected = { keys, audience: connector.identity.hash, nowMs: Date.now() };
    const snapshot = await verifyToken('connectorAcl', first.token, expected);
    if (!snapshot.ok) throw new Error(`${snapshot.code} ${snapshot.detail}`);
    expect(JSON.stringify(snapshot.claims.set)).toContain('wiki.internal');
    channel.send({ type: 'ack', version: snapshot.claims.version });

    const heard = messages.length;
    const changed = performance.now();
    await world.admin.post('/resources', {
      name: 'git',
      remote_network_id: network,
      address: 'git.internal',
    });
    const pushed = await next('connector_acl', heard);
    expect(performance.now() - changed).toBeLessThan(1_000);
    const difference = await verifyToken('connectorAcl', pushed.token, { ...expected, nowMs: Date.now() });
    if (!difference.ok) throw new Error(difference.code);
    expect(difference.claims.base).toBe(snapshot.claims.version);
    expect(Object.keys(difference.claims.set)).toHaveLength(1);
    channel.close();
  });

  test('is refused for good once it is revoked', async () => {
    const doomed = await newConnector('doomed');
    const { channel, states, next } = openChannel(doomed);
    await next('welcome');
    const revoked = performance.now();
    await world.admin.post(`/connectors/${doomed.subject}/revoke`);
    await until(
      () => channel.state === 'refused',
      () => `refused, after ${states}`,
    );
    expect(performance.now() - revoked).toBeLessThan(1_000);
    expect(states.at(-1)).toBe('refused connector_revoked');
  });
});

describe('a Client', () => {
  test('logs in with its Service Key and keeps a control channel', async () => {
    const client = await newClient();
    expect(client.answer.client?.key).toBe(key.id);
    expect(Object.keys(client.answer.client?.networks ?? {})).toEqual([network]);
    const { channel, messages, next } = openChannel(client, client.answer.client?.acl_version);
    await next('client_acl');
    const heard = messages.length;
    const resource = await world.admin.post('/resources', {
      name: 'ci',
      remote_network_id: network,
      address: 'ci.internal',
    });
    const granted = performance.now();
    await world.admin.post('/grants', { resource_id: resource.id, service_account_id: account });
    const pushed = await next('client_acl', heard);
    expect(performance.now() - granted).toBeLessThan(1_000);
    expect(Object.keys(pushed.networks)).toEqual([network]);
    channel.close();
  });

  test('is told that its key is unknown', async () => {
    const identity = await createIdentity();
    const id = `key_${'0'.repeat(26)}`;
    expect((await refusalOf(agentOf(identity, async () => id))).code).toBe('credential_unknown');
  });

  for (const offset of [-600_000, 600_000]) {
    test(`does not mind a clock that is ${offset / 60_000} minutes off`, async () => {
      const client = await newClient(offset);
      expect(Math.abs(client.clock.offsetMs + offset)).toBeLessThan(5_000);
      const { next } = openChannel(client);
      await next('welcome');
      const lateConnector = await newConnector(`clock ${offset}`, offset);
      const [relay] = nodeRelays(client.answer);
      await echoAt(lateConnector, relay!);
      const { stream } = await meet(client, [relay!], lateConnector.identity.hash);
      await expectEcho(stream, 1_000);
    });
  }
});

describe('Client and Connector meet', () => {
  let client: Agent;
  beforeAll(async () => {
    client = await newClient();
    for (const relay of nodeRelays(connector.answer)) await echoAt(connector, relay);
  });

  test('through a Node relay, raw', async () => {
    const [relay] = nodeRelays(client.answer);
    const { stream } = await meet(client, [{ ...relay!, carriers: ['raw'] }]);
    await expectEcho(stream);
  });

  test('through a Node relay, over WebSocket', async () => {
    const [relay] = nodeRelays(client.answer);
    const { stream } = await meet(client, [{ ...relay!, carriers: ['websocket'] }]);
    await expectEcho(stream);
  });

  test('through the edge relay', async () => {
    for (const relay of edgeRelays(connector.answer)) await echoAt(connector, relay);
    const { stream } = await meet(client, edgeRelays(client.answer));
    await expectEcho(stream);
  });

  test('and speak pinned TLS over every carrier', async () => {
    const pinnedConnector = await newConnector('pinned');
    const { hash } = pinnedConnector.identity;
    for (const relay of connector.answer.relays) {
      await echoAt(pinnedConnector, relay, true);
      for (const carrier of relay.carriers) {
        const { stream } = await meet(client, [{ ...relay, carriers: [carrier] }], hash);
        const { identity } = client;
        const socket = await connectPinned(stream, { identity, connectorHash: hash, timeoutMs: 5_000 });
        await expectEcho(socket);
      }
    }
  });

  test('not where the Connector is not: the relay says so', async () => {
    const absent = await newConnector('absent');
    const refused = meet(client, nodeRelays(client.answer), absent.identity.hash);
    expect((await refusalOf(refused)).code).toBe('connector_offline');
  });

  describe('through the second relay within a second', () => {
    let blackhole: Server;
    afterAll(() => blackhole?.close());

    test('when the first is dead', async () => {
      const [, second] = nodeRelays(client.answer);
      const dead: RelayEntry = { id: 'rel_dead', url: 'http://127.0.0.1:9', carriers: ['raw', 'websocket'] };
      const start = performance.now();
      const { stream, relay } = await meet(client, [dead, second!]);
      expect(performance.now() - start).toBeLessThan(1_000);
      expect(relay.id).toBe(second!.id);
      await expectEcho(stream, 1_000);
    });

    test('when the first swallows everything', async () => {
      blackhole = createServer(() => {}).listen(0, '127.0.0.1');
      await once(blackhole, 'listening');
      const { port } = blackhole.address() as { port: number };
      const hole: RelayEntry = { id: 'rel_hole', url: `http://127.0.0.1:${port}`, carriers: ['raw'] };
      const [, second] = nodeRelays(client.answer);
      const start = performance.now();
      const { stream, relay } = await meet(client, [hole, second!]);
      expect(performance.now() - start).toBeLessThan(1_000);
      expect(relay.id).toBe(second!.id);
      await expectEcho(stream, 1_000);
    });
  });
});
