/** Proves schema/acl/{state,intersect}.ts: a flow passes only where both ACLs agree, while both are in force. */
import { describe, expect, test } from 'vitest';
import { type AclEntry, type Destination, entryKey, type GrantedResource } from '#schema/acl/document.ts';
import { clientAcl, isStale, judge, type Moment } from '#schema/acl/intersect.ts';
import { ConnectorAcl, type ConnectorAclClaims } from '#schema/acl/state.ts';

const now = 1_800_000_000;
const moment: Moment = { nowMs: now * 1000, heardMs: now * 1000, linked: true };
const db: GrantedResource = {
  id: 'res_db',
  address: 'db.int',
  tcp: [{ from: 5432, to: 5432 }],
  udp: 'none',
  icmp: false,
};
const web: GrantedResource = { id: 'res_web', address: '*.int', tcp: 'all', udp: 'none', icmp: true };
const to = (host: string, port: number): Destination => ({ protocol: 'tcp', host, port });

const granted = (resources: GrantedResource[], more: { version?: number; exp?: number } = {}) =>
  clientAcl({
    iss: 'https://c.test/t/acme',
    aud: 'net_1',
    iat: now,
    exp: more.exp ?? now + 3600,
    rnw: now + 2400,
    sub: 'svc_1',
    key: 'key_1',
    instance: 'ins_1',
    cnf: { jkt: 'j'.repeat(43) },
    acl: { network: 'net_1', version: more.version ?? 7, resources },
  });

const claims = (entries: AclEntry[], more: Partial<ConnectorAclClaims> = {}): ConnectorAclClaims => ({
  iss: 'https://c.test/t/acme',
  aud: 'h'.repeat(52),
  iat: now,
  exp: now + 3600,
  rnw: now + 2400,
  sub: 'con_1',
  stale: 900,
  version: 7,
  set: Object.fromEntries(entries.map((entry) => [entryKey(entry), entry])),
  unset: [],
  ...more,
});
const holding = (...entries: AclEntry[]) => {
  const acl = new ConnectorAcl();
  expect(acl.apply(claims(entries)).ok).toBe(true);
  return acl;
};
const resource = (one: GrantedResource): AclEntry => ({ kind: 'resource', resource: one });

describe('judge', () => {
  test('passes in the intersection, with Resource, rule and end', () => {
    const verdict = judge(
      to('db.int', 5432),
      granted([{ ...db, until: now + 60 }]),
      holding(resource(db)),
      moment,
    );
    expect(verdict).toMatchObject({ ok: true, resource: db, rule: 'db.int', endsMs: (now + 60) * 1000 });
  });

  test.each([
    ['not_a_resource', to('db.corp', 5432)],
    ['port_denied', to('db.int', 22)],
  ])('%s by the Client ACL', (code, destination) => {
    expect(judge(destination, granted([db]), holding(resource(db)), moment)).toMatchObject({ code });
  });

  test('the most specific granted Resource decides, not a broader one', () => {
    const both = holding(resource(db), resource(web));
    expect(judge(to('db.int', 80), granted([web, db]), both, moment)).toMatchObject({ code: 'port_denied' });
  });

  test('not_in_connector_acl: unknown there, or about something else there', () => {
    const client = granted([web]);
    expect(judge(to('a.int', 80), client, holding(resource(db)), moment)).toMatchObject({
      code: 'not_in_connector_acl',
      resource: web,
    });
    const moved = holding(resource({ ...web, address: '*.corp' }));
    expect(judge(to('a.int', 80), client, moved, moment)).toMatchObject({ code: 'not_in_connector_acl' });
  });

  test('port_denied by the Connector ACL where the Client ACL is older and wider', () => {
    const held = holding(resource({ ...web, tcp: [{ from: 443, to: 443 }] }));
    expect(judge(to('a.int', 80), granted([web]), held, moment)).toMatchObject({ code: 'port_denied' });
  });

  test('grant_expired, acl_expired, acl_superseded', () => {
    const held = holding(resource(db), { kind: 'floor', principal: 'svc_1', version: 7 });
    const destination = to('db.int', 5432);
    expect(judge(destination, granted([{ ...db, until: now }]), held, moment)).toMatchObject({
      code: 'grant_expired',
    });
    expect(judge(destination, granted([db], { exp: now - 5 }), held, moment)).toMatchObject({
      code: 'acl_expired',
    });
    expect(judge(destination, granted([db], { version: 6 }), held, moment)).toMatchObject({
      code: 'acl_superseded',
    });
    expect(judge(destination, granted([db]), held, moment).ok).toBe(true);
  });

  test.each(['svc_1', 'key_1', 'ins_1', 'j'.repeat(43)])('revoked: %s, listed or pushed', (id) => {
    const listed = holding(resource(db), { kind: 'revoked', id });
    const pushed = holding(resource(db));
    pushed.revoke([id], now);
    for (const held of [listed, pushed]) {
      expect(judge(to('db.int', 5432), granted([db]), held, moment)).toMatchObject({ code: 'revoked' });
    }
  });

  test('acl_stale beyond the budget, after expiry and before any ACL', () => {
    const held = holding(resource(db));
    const silent = (seconds: number, linked: boolean) =>
      isStale(held, { nowMs: (now + seconds) * 1000, heardMs: now * 1000, linked });
    expect([silent(899, false), silent(900, false)]).toEqual([false, true]);
    expect(judge(to('db.int', 5432), granted([db]), new ConnectorAcl(), moment)).toMatchObject({
      code: 'acl_stale',
    });
    const late = (now + 3605) * 1000;
    expect(isStale(held, { nowMs: late, heardMs: late, linked: true })).toBe(true);
  });

  test('a budget of 0 refuses as soon as the link is lost, not between two pings', () => {
    const held = new ConnectorAcl();
    held.apply(claims([resource(db)], { stale: 0 }));
    const silent = { nowMs: (now + 20) * 1000, heardMs: now * 1000 };
    expect(isStale(held, { ...silent, linked: true })).toBe(false);
    expect(isStale(held, { ...silent, linked: false })).toBe(true);
  });
});

describe('the Connector ACL', () => {
  test('a difference applies to its base alone and otherwise changes nothing', () => {
    const held = holding(resource(db));
    const difference = claims([resource(web)], { base: 6, version: 8, unset: ['resource:res_db'] });
    expect(held.apply(difference)).toMatchObject({ ok: false, code: 'protocol_error' });
    expect([...held.resources.keys()]).toEqual(['res_db']);
    expect(held.apply({ ...difference, base: 7 })).toEqual({
      ok: true,
      changed: new Set(['resource:res_web', 'resource:res_db']),
    });
    expect([...held.resources.keys()]).toEqual(['res_web']);
    expect(held.version).toBe(8);
  });

  test('a difference before any snapshot is refused', () => {
    expect(new ConnectorAcl().apply(claims([], { base: 1 }))).toMatchObject({ code: 'protocol_error' });
  });

  test('an older token, and an entry under a wrong key, are refused', () => {
    const held = holding(resource(db));
    expect(held.apply(claims([], { iat: now - 1 }))).toMatchObject({ code: 'token_replayed' });
    const set = { 'resource:res_other': resource(db) };
    expect(held.apply(claims([], { set }))).toMatchObject({ code: 'protocol_error' });
    expect(held.resources.size).toBe(1);
  });

  test('a pushed revocation outlives a snapshot that does not list it yet, but not for ever', () => {
    const held = holding(resource(db));
    held.revoke(['key_1'], now);
    held.apply(claims([resource(db)], { iat: now + 1, version: 8 }));
    expect(held.isRevoked('key_1')).toBe(true);
    held.apply(claims([resource(db)], { iat: now + 3606, exp: now + 7000, version: 9 }));
    expect(held.isRevoked('key_1')).toBe(false);
  });
});
