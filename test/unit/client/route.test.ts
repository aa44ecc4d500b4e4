import { createLocalJWKSet, exportJWK, generateKeyPair } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { Acls } from '#node-agents/client/acl.ts';
import { decide } from '#node-agents/client/route.ts';
import type { GrantedResource } from '#schema/acl/document.ts';
import { signToken } from '#schema/token/sign.ts';

const nowMs = 1_800_000_000_000;
const jkt = 'j'.repeat(43);
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let expected: Parameters<Acls['with']>[1];

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' };
  expected = { keys: createLocalJWKSet({ keys: [jwk] }), issuer: 'https://c/t/acme', jkt, nowMs };
});

const resource = (id: string, address: string, more: Partial<GrantedResource> = {}): GrantedResource => ({
  ...{ id, address, tcp: 'all', udp: 'none', icmp: false },
  ...more,
});

async function entry(network: string, resources: GrantedResource[], claims: Record<string, unknown> = {}) {
  const iat = nowMs / 1000;
  const body = {
    ...{ iss: 'https://c/t/acme', aud: network, iat, exp: iat + 3600, rnw: iat + 2400 },
    ...{ sub: 'svc_1', key: 'key_1', instance: 'ins_1', cnf: { jkt } },
    acl: { network, version: 1, resources },
    ...claims,
  };
  const acl = await signToken('clientAcl', body, { privateKey: keys.privateKey, kid: 'k1' });
  return { acl, connectors: [] };
}

async function held() {
  const change = {
    version: 1,
    snapshot: true,
    networks: {
      net_a: await entry('net_a', [
        resource('res_db', 'db.internal', { tcp: [{ from: 5432, to: 5432 }], alias: 'db.acme' }),
        resource('res_wild', '*.internal'),
        resource('res_old', 'old.internal', { until: nowMs / 1000 - 1 }),
      ]),
      net_b: await entry('net_b', [resource('res_net', '10.1.0.0/16'), resource('res_b', 'x.internal')]),
    },
  };
  const verdict = await new Acls().with(change, expected);
  if (!verdict.ok) throw new Error(verdict.code);
  return verdict.acls;
}

const to = (host: string, port = 80) => ({ protocol: 'tcp' as const, host, port });

describe('a destination', () => {
  test('goes through the tunnel of the network whose Resource is the most specific', async () => {
    const rules = { acls: await held(), direct: true, nowMs };
    const via = (host: string, port?: number) => decide(to(host, port), rules);
    expect(via('db.internal', 5432)).toMatchObject({ to: 'tunnel', network: 'net_a', rule: 'db.internal' });
    expect(via('db.acme', 5432)).toMatchObject({ to: 'tunnel', resource: { id: 'res_db' }, rule: 'db.acme' });
    expect(via('web.internal')).toMatchObject({ to: 'tunnel', resource: { id: 'res_wild' } });
    expect(via('x.internal')).toMatchObject({ to: 'tunnel', network: 'net_b' });
    expect(via('10.1.2.3')).toMatchObject({ to: 'tunnel', network: 'net_b' });
  });

  test('that is a Resource on another port is refused and never goes straight out', async () => {
    const route = decide(to('db.internal', 22), { acls: await held(), direct: true, nowMs });
    expect(route).toMatchObject({
      to: 'nowhere',
      refusal: { code: 'port_denied' },
      found: { network: 'net_a' },
    });
  });

  test('whose grant has ended is refused and never goes straight out', async () => {
    const route = decide(to('old.internal'), { acls: await held(), direct: true, nowMs });
    expect(route).toMatchObject({ to: 'nowhere', refusal: { code: 'grant_expired' } });
  });

  test('that is no Resource goes straight out, or nowhere with --direct off', async () => {
    const acls = await held();
    expect(decide(to('example.com'), { acls, direct: true, nowMs })).toEqual({ to: 'direct' });
    expect(decide(to('example.com'), { acls, direct: false, nowMs })).toMatchObject({
      to: 'nowhere',
      refusal: { code: 'not_a_resource' },
    });
  });

  test('goes nowhere before the first login: nobody knows what is a Resource', () => {
    const route = decide(to('example.com'), { acls: undefined, direct: true, nowMs });
    expect(route).toMatchObject({ to: 'nowhere', refusal: { code: 'controller_unreachable' } });
  });
});

describe('a Client ACL', () => {
  const change = (network: string, of: Awaited<ReturnType<typeof entry>> | null, snapshot = false) => ({
    version: 2,
    snapshot,
    networks: { [network]: of },
  });

  test('of another network, instance, issuer or time is not taken', async () => {
    const acls = await held();
    const codeOf = async (network: string, claims: Record<string, unknown>) => {
      const verdict = await acls.with(change(network, await entry('net_a', [], claims)), expected);
      return verdict.ok ? 'accepted' : verdict.code;
    };
    expect(await codeOf('net_a', {})).toBe('accepted');
    expect(await codeOf('net_b', {})).toBe('wrong_audience');
    expect(await codeOf('net_a', { cnf: { jkt: 'x'.repeat(43) } })).toBe('instance_mismatch');
    expect(await codeOf('net_a', { iss: 'https://c/t/other' })).toBe('token_invalid');
    expect(await codeOf('net_a', { iat: nowMs / 1000 - 7200, exp: nowMs / 1000 - 3600 })).toBe(
      'token_expired',
    );
  });

  test('that changes one network leaves the others; a snapshot replaces all; null removes', async () => {
    const acls = await held();
    const names = async (what: Parameters<Acls['with']>[0]) => {
      const verdict = await acls.with(what, expected);
      return verdict.ok ? [...verdict.acls.networks.keys()] : [];
    };
    const fresh = await entry('net_c', [resource('res_c', 'c.internal')]);
    expect(await names(change('net_c', fresh))).toEqual(['net_a', 'net_b', 'net_c']);
    expect(await names(change('net_c', fresh, true))).toEqual(['net_c']);
    expect(await names(change('net_a', null))).toEqual(['net_b']);
  });

  test('says when it wants to be renewed', async () => {
    expect((await held()).renewAtMs).toBe(nowMs + 2_400_000);
    expect(new Acls().renewAtMs).toBe(Number.POSITIVE_INFINITY);
  });
});
