/**
 * Proves node-agents/connector/{admit,tunnel,live-flow,tunnels}.ts: who may come in, which flows pass, and
 * that a live flow ends as soon as it would no longer be let in.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { PrivateDns } from '../../world/private-dns.ts';
import { connectionId, Place, resource, until } from './place.ts';

let place: Place;
let dns: PrivateDns;
let origin: Server;
let port: number;
const loopback = resource('res_origin', '127.0.0.1', { reserved: true });

beforeEach(async () => {
  dns = await PrivateDns.start({ 'web.internal': ['127.0.0.1'] });
  place = await Place.open([dns.address]);
  origin = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.write('hello ');
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  port = (origin.address() as { port: number }).port;
});
afterEach(async () => {
  await place.close();
  origin.close();
  dns.stop();
});

const open = (tunnel: ClientTunnel, host: string, at = port, protocol: 'tcp' | 'udp' = 'tcp') =>
  tunnel.openFlow({
    connectionId: connectionId(),
    destination: { protocol, host, port: at },
    clientAddress: '192.0.2.1',
  });
const refusal = async (tunnel: ClientTunnel, host: string, at = port) =>
  open(tunnel, host, at).opened.then(
    () => 'opened',
    (error) => error.code,
  );
const lastEvent = (kind: string) => until(() => place.events.findLast((event) => event.kind === kind));

describe('admission', () => {
  const entering = async (acl: string, token?: string) =>
    place.enter(acl, token).then(
      () => 'welcome',
      (error) => error.code,
    );
  beforeEach(() => place.forwards(loopback));

  test('a Client whose tokens and key are one is welcome', async () => {
    expect(await entering(await place.clientAcl([loopback]))).toBe('welcome');
  });

  test('an ACL or token signed by a stranger is refused', async () => {
    const forged = await place.clientAcl([loopback], {}, place.stranger);
    expect(await entering(forged)).toBe('token_invalid');
    const token = await place.connectionToken({}, place.stranger);
    expect(await entering(await place.clientAcl([loopback]), token)).toBe('token_invalid');
  });

  test('an ACL bound to another key, or of another network, is refused', async () => {
    const cnf = { jkt: place.stranger.jkt };
    expect(await entering(await place.clientAcl([loopback], { cnf }))).toBe('instance_mismatch');
    expect(await entering(await place.clientAcl([loopback], { aud: 'net_other' }))).toBe('wrong_audience');
    expect(await entering(await place.clientAcl([loopback], { network: 'net_other' }))).toBe('token_invalid');
  });

  test('a connection token for another Connector, key or purpose is refused', async () => {
    const acl = await place.clientAcl([loopback]);
    expect(await entering(acl, await place.connectionToken({ aud: place.stranger.hash }))).toBe(
      'wrong_audience',
    );
    const cnf = { jkt: place.stranger.jkt };
    expect(await entering(acl, await place.connectionToken({ cnf }))).toBe('proof_invalid');
    expect(await entering(acl, acl)).toBe('token_invalid');
  });

  test('expired tokens are refused, each by its own code', async () => {
    const iat = Math.floor(Date.now() / 1000) - 3700;
    expect(await entering(await place.clientAcl([loopback], { iat, exp: iat + 3600 }))).toBe('acl_expired');
    const old = { iat: iat + 3600, exp: iat + 3660 };
    expect(await entering(await place.clientAcl([loopback]), await place.connectionToken(old))).toBe(
      'token_expired',
    );
  });

  test('a connection token is used once', async () => {
    const acl = await place.clientAcl([loopback]);
    const token = await place.connectionToken();
    expect(await entering(acl, token)).toBe('welcome');
    expect(await entering(acl, token)).toBe('token_replayed');
  });

  test('a revoked key, and an ACL below the floor, are refused', async () => {
    const acl = await place.clientAcl([loopback]);
    place.gate.acl.revoke(['key_app'], Math.floor(Date.now() / 1000));
    expect(await entering(acl)).toBe('revoked');
    place.connectorAcl([{ kind: 'floor', principal: 'svc_other', version: 9 }]);
    expect(await entering(await place.clientAcl([loopback], { key: 'key_2', sub: 'svc_other' }))).toBe(
      'acl_superseded',
    );
  });
});

describe('a flow', () => {
  test('passes both ways with half-close, and its end is one event with its bytes', async () => {
    place.forwards(loopback);
    const tunnel = await place.enter(await place.clientAcl([loopback]));
    const flow = open(tunnel, '127.0.0.1');
    expect(await flow.opened).toEqual({ resolved: '127.0.0.1' });
    flow.end('world');
    expect(await text(flow)).toBe('hello world');
    expect(await lastEvent('closed')).toMatchObject({
      principal: 'svc_app',
      key: 'key_app',
      instance: 'ins_app',
      resource: 'res_origin',
      rule: '127.0.0.1',
      resolved: '127.0.0.1',
      client_address: '192.0.2.1',
      relay: 'rel_test',
      connector: 'con_here',
      network: 'net_office',
      bytes_up: 5,
      bytes_down: 11,
    });
    expect((await lastEvent('closed')).code).toBeUndefined();
    expect(place.events.map(({ kind }) => kind)).toEqual(['established', 'closed']);
    expect(place.gate.census.flows).toBe(0);
  });

  test('each denial has its code and its event', async () => {
    const granted = [
      loopback,
      resource('res_elsewhere', 'elsewhere.internal'),
      resource('res_ended', 'ended.internal', { until: 1 }),
      resource('res_port', 'port.internal', { tcp: [{ from: 22, to: 22 }] }),
    ];
    place.forwards(loopback, granted[2]!, granted[3]!);
    const tunnel = await place.enter(await place.clientAcl(granted));
    expect(await refusal(tunnel, 'unknown.internal')).toBe('not_a_resource');
    expect(await refusal(tunnel, 'port.internal')).toBe('port_denied');
    expect(await refusal(tunnel, 'elsewhere.internal')).toBe('not_in_connector_acl');
    expect(await refusal(tunnel, 'ended.internal')).toBe('grant_expired');
    place.linked = false;
    place.silentMs = 901_000;
    expect(await refusal(tunnel, '127.0.0.1')).toBe('acl_stale');
    expect(place.events.map(({ kind, code, resource: of }) => [kind, code, of])).toEqual([
      ['denied', 'not_a_resource', undefined],
      ['denied', 'port_denied', 'res_port'],
      ['denied', 'not_in_connector_acl', 'res_elsewhere'],
      ['denied', 'grant_expired', 'res_ended'],
      ['denied', 'acl_stale', undefined],
    ]);
  });

  test('a name that points at this host is refused unless its Resource may be there', async () => {
    const plain = resource('res_web', 'web.internal');
    place.forwards(plain);
    const tunnel = await place.enter(await place.clientAcl([plain]));
    expect(await refusal(tunnel, 'web.internal')).toBe('address_forbidden');
    place.forwards({ ...plain, reserved: true });
    expect(await refusal(tunnel, 'web.internal')).toBe('opened');
    dns.names.set('web.internal', ['169.254.169.254']);
    expect(await refusal(tunnel, 'web.internal')).toBe('address_forbidden');
    expect(await lastEvent('denied')).toMatchObject({ code: 'address_forbidden', resource: 'res_web' });
  });

  test('what fails on the way is told: unknown name, closed port', async () => {
    const all = resource('res_all', '*.internal', { reserved: true });
    place.forwards(all);
    const tunnel = await place.enter(await place.clientAcl([all]));
    expect(await refusal(tunnel, 'nowhere.internal')).toBe('name_not_found');
    expect(await refusal(tunnel, 'web.internal', 1)).toBe('connection_refused');
    expect(await lastEvent('failed')).toMatchObject({ code: 'connection_refused' });
  });

  test('UDP: datagrams there and back, and a closed port is told', async () => {
    const udp = resource('res_udp', '127.0.0.1', { udp: 'all', reserved: true });
    place.forwards(udp);
    const echo = createSocket('udp4').on('message', (bytes, from) => echo.send(bytes, from.port));
    echo.bind(0, '127.0.0.1');
    await once(echo, 'listening');
    const tunnel = await place.enter(await place.clientAcl([udp]));
    const flow = open(tunnel, '127.0.0.1', echo.address().port, 'udp');
    const answers: string[] = [];
    flow.on('datagram', (bytes: Uint8Array) => answers.push(Buffer.from(bytes).toString()));
    await flow.opened;
    expect([flow.sendDatagram(Buffer.from('one')), flow.sendDatagram(Buffer.from('two'))]).toEqual([
      true,
      true,
    ]);
    await until(() => answers.length === 2);
    expect(answers).toEqual(['one', 'two']);
    flow.resume().end();
    expect(await lastEvent('closed')).toMatchObject({ protocol: 'udp', bytes_up: 6, bytes_down: 6 });
    expect((await lastEvent('closed')).code).toBeUndefined();
    echo.close();
    const nobody = open(tunnel, '127.0.0.1', 1, 'udp');
    await nobody.opened;
    nobody.sendDatagram(Buffer.from('anybody?'));
    await until(() => place.events.some(({ code }) => code === 'connection_refused'));
  });

  test('an alias leads to the Resource’s address', async () => {
    const aliased = resource('res_web', 'web.internal', { alias: 'www.corp', reserved: true });
    place.forwards(aliased);
    const tunnel = await place.enter(await place.clientAcl([aliased]));
    expect(await refusal(tunnel, 'www.corp')).toBe('opened');
    expect(await lastEvent('established')).toMatchObject({ host: 'www.corp', rule: 'www.corp' });
  });
});

describe('a live flow is cut', () => {
  const live = async (more = {}) => {
    const granted = resource('res_origin', '127.0.0.1', { reserved: true, ...more });
    place.forwards(granted);
    const tunnel = await place.enter(await place.clientAcl([granted]));
    const flow = open(tunnel, '127.0.0.1');
    await flow.opened;
    flow.resume();
    return { tunnel, flow, granted };
  };
  const codeOfEnd = async (flow: Awaited<ReturnType<typeof live>>['flow']) => {
    // `once` would reject with the error that a reset is.
    if (!flow.closed) await new Promise<void>((done) => flow.once('close', () => done()));
    return flow.code;
  };

  test('by a revocation, and its tunnel with it', async () => {
    const { tunnel, flow } = await live();
    const closed = once(tunnel, 'close');
    expect(place.tunnels.cut('revoked', new Set(['key_app']))).toEqual({ flows: 1, tunnels: 1 });
    expect(await codeOfEnd(flow)).toBe('revoked');
    expect(await closed).toEqual(['revoked']);
    expect(await lastEvent('closed')).toMatchObject({ code: 'revoked', resource: 'res_origin' });
    expect(place.tunnels.cut('revoked', new Set(['key_other']))).toEqual({ flows: 0, tunnels: 0 });
  });

  test('when its Resource leaves the Connector ACL', async () => {
    const { flow } = await live();
    place.forwards();
    expect(await codeOfEnd(flow)).toBe('not_in_connector_acl');
  });

  test('when its Resource may no longer lead to an address of that kind', async () => {
    const { flow } = await live();
    place.forwards(resource('res_origin', '127.0.0.1'));
    expect(await codeOfEnd(flow)).toBe('not_in_connector_acl');
  });

  test('when the alias that it asked for stands for another address', async () => {
    const named = (address: string) => resource('res_db', address, { alias: 'db.internal', reserved: true });
    place.forwards(named('127.0.0.1'));
    const flow = open(await place.enter(await place.clientAcl([named('127.0.0.1')])), 'db.internal');
    await flow.opened;
    flow.resume();
    place.forwards(named('127.0.0.9'));
    expect(await codeOfEnd(flow)).toBe('not_in_connector_acl');
  });

  test('when the floor rises and no newer ACL comes in time', async () => {
    const { flow, granted } = await live();
    const before = performance.now();
    place.connectorAcl([
      { kind: 'resource', resource: granted },
      { kind: 'floor', principal: 'svc_app', version: 8 },
    ]);
    expect(await codeOfEnd(flow)).toBe('acl_superseded');
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  test('but not when the newer ACL still allows it; flows that it does not allow are', async () => {
    const other = resource('res_other', '127.0.0.2', { reserved: true });
    place.forwards(loopback, other);
    const second = createServer((socket) => void socket.on('error', () => {})).listen(port, '127.0.0.2');
    await once(second, 'listening');
    const tunnel = await place.enter(await place.clientAcl([loopback, other]));
    const [kept, lost] = [open(tunnel, '127.0.0.1'), open(tunnel, '127.0.0.2')];
    await Promise.all([kept.opened, lost.opened]);
    place.connectorAcl([
      { kind: 'resource', resource: loopback },
      { kind: 'resource', resource: other },
      { kind: 'floor', principal: 'svc_app', version: 8 },
    ]);
    tunnel.renewAcl(await place.clientAcl([loopback], { version: 8 }));
    expect(await codeOfEnd(lost)).toBe('not_a_resource');
    expect(await refusal(tunnel, '127.0.0.1')).toBe('opened');
    expect(kept.destroyed).toBe(false);
    second.close();
  });

  test('a flow that is opened between floor and newer ACL waits for the ACL', async () => {
    const { tunnel, granted } = await live();
    place.connectorAcl([
      { kind: 'resource', resource: granted },
      { kind: 'floor', principal: 'svc_app', version: 8 },
    ]);
    const opened = refusal(tunnel, '127.0.0.1');
    tunnel.renewAcl(await place.clientAcl([granted], { version: 8 }));
    expect(await opened).toBe('opened');
  });

  test('when its grant ends', async () => {
    const until = Math.floor(Date.now() / 1000) + 60;
    const { flow } = await live({ until });
    place.aheadMs = 61_000;
    expect(await codeOfEnd(flow)).toBe('grant_expired');
  });

  test('when the Controller has been silent for too long', async () => {
    const { flow } = await live();
    place.linked = false;
    place.silentMs = 901_000;
    expect(await codeOfEnd(flow)).toBe('acl_stale');
  });

  test('at the end of the drain, and not before', async () => {
    const { tunnel, flow } = await live();
    const goingAway = once(tunnel, 'goaway');
    const drained = place.tunnels.drain(200);
    await goingAway;
    expect(await refusal(tunnel, '127.0.0.1')).toBe('draining');
    expect(flow.destroyed).toBe(false);
    await drained;
    expect(await codeOfEnd(flow)).toBe('draining');
  });
});

test('one principal cannot take all flows', async () => {
  place.forwards(loopback);
  const tunnel = await place.enter(await place.clientAcl([loopback]));
  const leaves = Array.from({ length: 25_000 }, () => place.gate.census.enter('svc_app'));
  expect(await refusal(tunnel, '127.0.0.1')).toBe('limit_reached');
  leaves[0]!();
  expect(await refusal(tunnel, '127.0.0.1')).toBe('opened');
});

test('all tunnels of a principal are below one share of the memory, which ends with the last of them', async () => {
  const granted = resource('res_web', '127.0.0.1', { reserved: true });
  place.forwards(granted);
  const acl = await place.clientAcl([granted]);
  const tunnels = [await place.enter(acl), await place.enter(acl)];
  const { budget, leave } = place.gate.memory.enter('svc_app');
  for (const tunnel of tunnels) await open(tunnel, '127.0.0.1').opened;
  expect(budget.reserved).toBeGreaterThan(0);
  expect(place.gate.memory.all.reserved).toBe(budget.reserved);
  for (const tunnel of tunnels) tunnel.close();
  await until(() => place.tunnels.size === 0);
  leave();
  expect(budget.reserved).toBe(0);
  expect(place.gate.memory.enter('svc_app').budget).not.toBe(budget);
});
