/** Proves node-agents/connector/session.ts against a Controller of a few lines: what is believed, what is asked anew. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { Session, type SessionOptions } from '#node-agents/connector/session.ts';
import { ControllerClock } from '#node-agents/link/clock.ts';
import { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { type AclEntry, entryKey } from '#schema/acl/document.ts';
import { paths } from '#schema/control/login.ts';
import type { FromAgent, FromController } from '#schema/control/messages.ts';
import type { SallyportError } from '#schema/errors.ts';
import type { Claims } from '#schema/token/claims.ts';
import { signToken } from '#schema/token/sign.ts';
import { type Peer, quietLog, random, startPeer } from '../link/peers.ts';
import { resource, until } from './place.ts';

const { log } = quietLog();
const seconds = () => Math.floor(Date.now() / 1000);

let controller: Peer;
let tenant: Identity;
let identity: Identity;
let session: Session;
let channel: WebSocket | undefined;
let heard: FromAgent[];
let calls: Record<'changed' | 'cut', unknown[]>;
let dead: SallyportError | undefined;

beforeEach(async () => {
  [tenant, identity] = await Promise.all([createIdentity(), createIdentity()]);
  heard = [];
  calls = { changed: [], cut: [] };
  dead = undefined;
  const sockets = new WebSocketServer({ noServer: true });
  controller = await startPeer({
    request: async (request, _body, response) => {
      const answer =
        request.url === paths.jwks
          ? { keys: [{ ...tenant.publicJwk, kid: 'k1', alg: 'ES256' }] }
          : await login();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    },
    upgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket as never, head, (opened) => {
        channel = opened;
        opened.on('message', (data) => {
          const message = JSON.parse(String(data)) as FromAgent;
          heard.push(message);
          if (message.type === 'hello') tell({ type: 'welcome', capability: 1, now: Date.now(), relays: [] });
        });
      }),
  });
  const clock = new ControllerClock(Date.now);
  const client = new ControllerClient({ url: controller.url, identity, clock, log, random });
  const options: SessionOptions = {
    controller: client,
    clock,
    identity,
    host: { monotonic: () => performance.now(), random, log },
    labels: {},
    onRelays: () => {},
    onAcl: (changed) => void calls.changed.push([...changed]),
    onRevoke: (ids, everything) => {
      calls.cut.push({ ids: [...ids], everything });
      return { flows: 2, tunnels: 1 };
    },
    onOffer: () => {},
    onProbe: () => {},
    onEventsStored: () => {},
    onOpen: () => {},
    onDead: (error) => {
      dead = error;
    },
  };
  const answer = await client.login({ subject: 'con_1', assertionKey: identity.cryptoKey });
  session = new Session(options, 'con_1', answer);
  session.start();
  await until(() => session.state.state === 'open');
});
afterEach(async () => {
  session.close();
  await controller.stop();
});

const tell = (message: FromController) => channel!.send(JSON.stringify(message));
const said = <T extends FromAgent['type']>(type: T, from = 0) =>
  until(() =>
    heard.slice(from).find((message): message is Extract<FromAgent, { type: T }> => message.type === type),
  );

async function login() {
  const iat = seconds();
  const claims = {
    iss: controller.url,
    aud: 'acme',
    sub: 'con_1',
    client_id: 'con_1',
    role: 'connector',
  } as const;
  const access = { ...claims, iat, exp: iat + 3600, cnf: { jkt: identity.jkt }, jti: 'x' };
  return {
    access_token: await signToken('access', access, { privateKey: tenant.cryptoKey, kid: 'k1' }),
    token_type: 'DPoP',
    expires_in: 3600,
    now: Date.now(),
    relays: [],
    connector: { hash: identity.hash, network: 'net_office', registration: 'r' },
  };
}

async function acl(entries: AclEntry[], more: Partial<Claims<'connectorAcl'>> = {}, key = tenant) {
  const iat = seconds();
  const claims = {
    iss: controller.url,
    aud: identity.hash as string,
    sub: 'con_1',
    iat,
    exp: iat + 3600,
    rnw: iat + 2400,
    stale: 900,
    version: 5,
    set: Object.fromEntries(entries.map((entry) => [entryKey(entry), entry])),
    unset: [],
    ...more,
  };
  const token = await signToken('connectorAcl', claims, { privateKey: key.cryptoKey, kid: 'k1' });
  tell({ type: 'connector_acl', token });
}
const web: AclEntry = { kind: 'resource', resource: resource('res_web', 'web.internal') };

test('an ACL is applied, acknowledged and handed on', async () => {
  expect(session.isStale()).toBe(true);
  await acl([web]);
  expect(await said('ack')).toEqual({ type: 'ack', version: 5 });
  expect(calls.changed).toEqual([['resource:res_web']]);
  expect(session.isStale()).toBe(false);
});

test.each([
  ['signed by a stranger', {}, true],
  ['for another Connector', { aud: 'x'.repeat(52) }, false],
  ['of another Tenant', { iss: 'https://elsewhere.test' }, false],
  ['a difference to what is not held', { base: 4 }, false],
])('an ACL %s is not believed; the whole is asked for', async (_, more, forged) => {
  await acl([web], more, forged ? identity : tenant);
  const again = await said('hello', 1);
  expect(again.acl_version).toBe(0);
  expect([session.acl.resources.size, calls.changed]).toEqual([0, []]);
  await acl([web]);
  expect((await said('ack')).version).toBe(5);
});

test('a revocation counts at once and is answered with what was cut', async () => {
  await acl([web]);
  await said('ack');
  const nobody = { instances: [], principals: [], jkts: ['j'] };
  tell({ type: 'revoke', revocation: 'rvk_1', keys: ['key_1'], connectors: [], ...nobody });
  expect(await said('receipt')).toEqual({
    type: 'receipt',
    revocation: 'rvk_1',
    flows_cut: 2,
    tunnels_cut: 1,
  });
  expect(session.acl.isRevoked('key_1')).toBe(true);
  tell({ type: 'revoke', revocation: 'rvk_2', keys: [], connectors: [identity.hash], ...nobody });
  await until(() => calls.cut.length === 2);
  expect(calls.cut).toMatchObject([{ everything: false }, { everything: true }]);
});

test('a refusal that is final ends it', async () => {
  tell({ type: 'refused', code: 'connector_revoked', retry: false });
  await until(() => dead);
  expect(dead!.code).toBe('connector_revoked');
});

test('after a lost channel it says which ACL it holds', async () => {
  await acl([web]);
  await said('ack');
  const before = heard.length;
  channel!.terminate();
  expect((await said('hello', before)).acl_version).toBe(5);
});

test('a channel that opens is no word of the Controller: only the ACL that it brings is', async () => {
  await acl([web], { stale: 0 });
  await said('ack');
  expect([session.moment().linked, session.isStale()]).toEqual([true, false]);
  const before = heard.length;
  channel!.terminate();
  await said('hello', before);
  await until(() => session.state.state === 'open');
  expect([session.moment().linked, session.isStale()]).toEqual([false, true]);
  await acl([web], { stale: 0 });
  await said('ack', before);
  expect([session.moment().linked, session.isStale()]).toEqual([true, false]);
});
