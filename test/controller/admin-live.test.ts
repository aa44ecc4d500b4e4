/**
 * What administrators see and do of the live side, on a host whose clock, limiter and channels the test
 * holds: states of Connectors, live instances, receipts, floors, what is told to the agents and when.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { ControllerHost } from '../fake/controller-host.ts';
import type { Answer } from '../world/admin.ts';

let host: ControllerHost;
let tenant: Awaited<ReturnType<ControllerHost['tenant']>>;
const day = 24 * 3_600_000;

beforeEach(async () => {
  host = new ControllerHost();
  tenant = await host.tenant();
});

async function network(name = 'office'): Promise<string> {
  return (await tenant.post('/remote-networks', { name })).id;
}
async function connector(): Promise<string> {
  return (await tenant.post('/connectors', { name: 'c1', remote_network_id: await network() })).id;
}
/** As enrolment and the control channel would leave it. */
function enrolled(id: string, capability = 1): void {
  host.sql(
    'UPDATE connectors SET hash = ?, enrolled_at = ?, connected_at = ?, version = ?, capability = ?, relays = ? WHERE id = ?',
    ...['h'.repeat(52), host.now, host.now, '0.9.0', capability],
    ...['[{"relay":"rel_1","state":"connected"},{"relay":"rel_2","state":"failed"}]', id],
  );
}
const here = (role: 'connector' | 'client', id: string) => ({
  role,
  id,
  since: host.now,
  lastSeen: host.now,
  aclVersion: 1,
});

describe('the state of a Connector', () => {
  const state = async (id: string) => {
    const { state, state_reason } = await tenant.get(`/connectors/${id}`);
    expect(state_reason).not.toBe('');
    return state;
  };

  test('goes from not enrolled to alive and on to revoked', async () => {
    const id = await connector();
    expect(await state(id)).toBe('not_enrolled');
    enrolled(id);
    expect(await state(id)).toBe('no_heartbeat');
    host.present = [here('connector', id)];
    expect(await state(id)).toBe('alive');
    await tenant.post(`/connectors/${id}/revoke`);
    expect(await state(id)).toBe('revoked');
  });

  test('tells a silent channel, missing relays and an old version apart', async () => {
    const id = await connector();
    enrolled(id);
    host.present = [{ ...here('connector', id), lastSeen: host.now - 120_000 }];
    expect(await state(id)).toBe('heartbeat_too_old');
    host.present = [here('connector', id)];
    host.sql(
      'UPDATE connectors SET relays = ?',
      '[{"relay":"rel_1","state":"failed","code":"relay_unreachable"}]',
    );
    expect(await state(id)).toBe('no_relay');
    expect((await tenant.get(`/connectors/${id}`)).state_reason).toContain('rel_1 (relay_unreachable)');
    enrolled(id, 0);
    expect(await state(id)).toBe('outdated');
  });

  test('calls relays by the names that the operator gave them', async () => {
    const id = await connector();
    enrolled(id);
    host.present = [here('connector', id)];
    const relay = await host.relay('fra-1');
    const links = [
      { relay, state: 'failed', code: 'relay_unreachable' },
      { relay: 'rel_gone', state: 'connecting' },
    ];
    host.sql('UPDATE connectors SET relays = ?', JSON.stringify(links));
    expect(await tenant.get(`/connectors/${id}`)).toMatchObject({
      state_reason: 'no relay is connected: fra-1 (relay_unreachable), rel_gone (connecting)',
      relays: [{ relay, name: 'fra-1' }, { name: 'rel_gone' }],
    });
  });
});

describe('revocation', () => {
  const agents = [
    { role: 'connector' as const, id: 'con_1', confirmed: true, flowsCut: 3, tunnelsCut: 1, ms: 12.4 },
    { role: 'relay' as const, id: 'rel_1', confirmed: false, flowsCut: 0, tunnelsCut: 0, ms: 2000 },
  ];

  test('of a Connector names its hash, answers with the receipt, keeps it, and is told as a change', async () => {
    const id = await connector();
    enrolled(id);
    host.receipt = { agents, complete: false };
    const before = host.changed.length;
    const { receipt } = await tenant.post(`/connectors/${id}/revoke`);
    expect(receipt).toMatchObject({ complete: false, flows_cut: 3, tunnels_cut: 1, ms: 12 });
    expect(receipt.agents).toHaveLength(2);
    expect(host.revoked).toMatchObject([{ revocation: receipt.revocation, connectors: ['h'.repeat(52)] }]);
    expect(host.changed.slice(before)).toEqual([tenant.id]);
    await host.settled();
    const [kept] = host.sql('SELECT receipt FROM revocations');
    expect(JSON.parse(String(kept!['receipt']))).toEqual({ agents, complete: false });
  });

  test('stands even when nobody could be told', async () => {
    const { id } = await tenant.post('/service-accounts', { name: 'ci' });
    const key = await tenant.post(`/service-accounts/${id}/keys`, { name: 'k' });
    Object.defineProperty(host, 'receipt', {
      get() {
        throw new Error('unreachable');
      },
    });
    const revoked = await tenant.post(`/service-keys/${key.id}/revoke`);
    expect(revoked).toMatchObject({ state: 'revoked', receipt: { complete: false, agents: [] } });
    expect(await tenant.get(`/service-keys/${key.id}`)).toMatchObject({ state: 'revoked' });
  });

  test('of a deleted Connector cuts what it still carried', async () => {
    const id = await connector();
    enrolled(id);
    await tenant.delete(`/connectors/${id}`);
    expect(host.revoked).toMatchObject([{ connectors: ['h'.repeat(52)] }]);
    expect(await tenant.get(`/connectors/${id}`)).toMatchObject({ code: 'not_found' });
  });
});

describe('a Service Key', () => {
  async function key(): Promise<{ account: string; id: string }> {
    const account = (await tenant.post('/service-accounts', { name: 'ci' })).id;
    return { account, id: (await tenant.post(`/service-accounts/${account}/keys`, { name: 'k' })).id };
  }
  const start = (id: string, keyId: string) =>
    host.sql(
      'INSERT INTO instances (tenant_id, id, principal_id, key_id, jkt, started_at) VALUES (?, ?, ?, ?, ?, ?)',
      ...[tenant.id, id, 'svc_1', keyId, `jkt-${id}`, host.now],
    );

  test('expires by time alone, at the very moment', async () => {
    const { id } = await key();
    host.now += 365 * day - 1;
    expect(await tenant.get(`/service-keys/${id}`)).toMatchObject({ state: 'active' });
    host.now += 1;
    expect(await tenant.get(`/service-keys/${id}`)).toMatchObject({ state: 'expired', allowed: ['delete'] });
  });

  test('counts its live instances, however many, and only a warning follows from it', async () => {
    const { account, id } = await key();
    for (let i = 0; i < 150; i++) {
      start(`ins_${i}`, id);
      host.present.push(here('client', `ins_${i}`));
    }
    expect(await tenant.get(`/service-keys/${id}`)).toMatchObject({ live_instances: 150 });
    const shown = await tenant.get(`/service-accounts/${account}`);
    expect(shown).toMatchObject({ live_instances: 150, active_keys: 1 });
    expect(shown.warnings).toContainEqual(expect.objectContaining({ code: 'key_over_shared', key_id: id }));
    const live = await tenant.get(`/service-keys/${id}/instances?live=true&limit=200`);
    expect(live.items).toHaveLength(150);
    expect(live.items.every((one: Answer) => one.live)).toBe(true);
  });
});

describe('what agents are told', () => {
  const version = () => Number(host.sql('SELECT config_version AS v FROM tenants')[0]!['v']);
  const floor = () => host.sql('SELECT principal_id, version FROM acl_floors')[0];

  test('every change that an ACL can show raises the version and is told, no other', async () => {
    const place = await network();
    const account = (await tenant.post('/service-accounts', { name: 'ci' })).id;
    const steps: [string, () => Promise<Answer>, boolean][] = [];
    let resource = '';
    let grant = '';
    steps.push(
      ['rename the network', () => tenant.patch(`/remote-networks/${place}`, { name: 'other' }), false],
      [
        'create a Resource',
        async () => {
          const made = await tenant.post('/resources', {
            name: 'db',
            remote_network_id: place,
            address: 'db.internal',
          });
          resource = made.id;
        },
        true,
      ],
      ['rename it', () => tenant.patch(`/resources/${resource}`, { name: 'database' }), false],
      ['change its ports', () => tenant.patch(`/resources/${resource}`, { tcp: 'none' }), true],
      [
        'grant it',
        async () => {
          grant = (await tenant.post('/grants', { resource_id: resource, service_account_id: account })).id;
        },
        true,
      ],
      [
        'grant it again',
        () => tenant.post('/grants', { resource_id: resource, service_account_id: account }),
        false,
      ],
      ['take the grant back', () => tenant.delete(`/grants/${grant}`), true],
      ['create a key', () => tenant.post(`/service-accounts/${account}/keys`, { name: 'k' }), false],
      ['change the staleness budget', () => tenant.patch('/tenant', { staleness_budget_seconds: 0 }), true],
      ['change the retention', () => tenant.patch('/tenant', { event_retention_days: 7 }), false],
      ['delete the Resource', () => tenant.delete(`/resources/${resource}`), true],
    );
    for (const [what, step, shown] of steps) {
      const [before, told] = [version(), host.changed.length];
      await step();
      expect([what, version() - before, host.changed.length - told]).toEqual([
        what,
        Number(shown),
        Number(shown),
      ]);
    }
  });

  test('old Client ACLs are void once a grant is taken back, shortened, or its account is gone', async () => {
    const place = await network();
    const account = (await tenant.post('/service-accounts', { name: 'ci' })).id;
    const { id } = await tenant.post('/resources', {
      name: 'db',
      remote_network_id: place,
      address: 'db.internal',
    });
    const grant = (more = {}) =>
      tenant.post('/grants', { resource_id: id, service_account_id: account, ...more });
    const made = await grant();
    expect(floor()).toBeUndefined();

    const soon = new Date(host.now + day).toISOString();
    expect(await grant({ expires_at: soon })).toMatchObject({ id: made.id, expires_at: soon });
    expect(floor()).toEqual({ principal_id: account, version: version() });

    const before = version();
    await grant();
    expect(floor()).toEqual({ principal_id: account, version: before });

    await tenant.delete(`/grants/${made.id}`);
    expect(floor()).toEqual({ principal_id: account, version: version() });
    await grant();
    await tenant.delete(`/resources/${id}`);
    expect(floor()).toEqual({ principal_id: account, version: version() });
    await tenant.delete(`/service-accounts/${account}`);
    expect(floor()).toEqual({ principal_id: account, version: version() });
  });
});

test('a grant is refused while a Connector of the place is too old, and says which', async () => {
  const id = await connector();
  const { remote_network_id } = await tenant.get(`/connectors/${id}`);
  enrolled(id, 0);
  const account = (await tenant.post('/service-accounts', { name: 'ci' })).id;
  const resource = await tenant.post('/resources', { name: 'db', remote_network_id, address: 'db.internal' });
  const refused = await tenant.post('/grants', { resource_id: resource.id, service_account_id: account });
  expect(refused).toMatchObject({ status: 409, code: 'connector_outdated' });
  expect(refused.detail).toContain(id);
  enrolled(id, 1);
  expect(
    await tenant.post('/grants', { resource_id: resource.id, service_account_id: account }),
  ).toMatchObject({
    state: 'active',
  });
});

test('a grant that has run out is shown as expired', async () => {
  const place = await network();
  const account = (await tenant.post('/service-accounts', { name: 'ci' })).id;
  const { id } = await tenant.post('/resources', {
    name: 'db',
    remote_network_id: place,
    address: '10.0.0.5',
  });
  const body = { resource_id: id, service_account_id: account };
  const past = new Date(host.now).toISOString();
  expect(await tenant.post('/grants', { ...body, expires_at: past })).toMatchObject({
    code: 'validation_failed',
  });
  const grant = await tenant.post('/grants', {
    ...body,
    expires_at: new Date(host.now + 1000).toISOString(),
  });
  expect(grant.state).toBe('active');
  host.now += 1000;
  expect((await tenant.get(`/grants/${grant.id}`)).state).toBe('expired');
  expect((await tenant.get(`/service-accounts/${account}`)).resources).toBe(0);
});

describe('explain', () => {
  test('follows a destination through keys, grants, ports and Connectors', async () => {
    const id = await connector();
    const { remote_network_id } = await tenant.get(`/connectors/${id}`);
    const account = (await tenant.post('/service-accounts', { name: 'ci' })).id;
    const resource = await tenant.post('/resources', {
      name: 'db',
      remote_network_id,
      address: '*.internal',
      tcp: [{ from: 5432, to: 5432 }],
    });
    const why = async (host: string, port = 5432) => {
      const said = await tenant.get(`/explain?principal=${account}&host=${host}&port=${port}`);
      expect(said.allowed).toBe(said.code === null);
      return [said.code, said.steps.find((step: Answer) => !step.ok)?.check];
    };
    expect(await why('db.internal')).toEqual(['credential_unknown', 'service_key']);
    await tenant.post(`/service-accounts/${account}/keys`, { name: 'k' });
    expect(await why('elsewhere.example')).toEqual(['not_a_resource', 'resource']);
    expect(await why('db.internal')).toEqual(['not_a_resource', 'grant']);
    await tenant.post('/grants', { resource_id: resource.id, service_account_id: account });
    expect(await why('db.internal', 22)).toEqual(['port_denied', 'port']);
    expect(await why('db.internal')).toEqual(['no_connector', 'connector']);
    enrolled(id);
    host.present = [here('connector', id)];
    expect(await why('DB.internal')).toEqual([null, undefined]);
    expect(await tenant.get('/explain?principal=svc_x&host=a')).toMatchObject({ code: 'not_found' });
  });

  test('of a person goes on through login, group, and the rule of a policy', async () => {
    const id = await connector();
    enrolled(id);
    host.present = [here('connector', id)];
    const { remote_network_id } = await tenant.get(`/connectors/${id}`);
    const nora = (await tenant.post('/users', { email: 'nora@acme.example' })).id;
    const group = (await tenant.post('/groups', { name: 'Engineering' })).id;
    const policy = await tenant.post('/policies', { name: 'strict', rules: { amr: ['hwk'] } });
    const resource = await tenant.post('/resources', {
      ...{ name: 'db', remote_network_id, address: 'db.internal', policy_id: policy.id },
    });
    const why = async () => {
      const said = await tenant.get(`/explain?principal=${nora}&host=db.internal&port=5432`);
      const failed = said.steps.filter((step: Answer) => !step.ok);
      return [said.code, failed.map((step: Answer) => step.check), said.steps] as const;
    };
    expect((await why()).slice(0, 2)).toEqual(['session_ended', ['session', 'grant']]);
    await tenant.post('/grants', { resource_id: resource.id, group_id: group });
    await tenant.post(`/groups/${group}/members`, { user_id: nora });
    const login = (session: string, amr: string[]) =>
      host.sql(
        `INSERT INTO user_sessions (tenant_id, id, user_id, public_jwk, authentication, hostname, created_at, expires_at)
         VALUES (?, ?, ?, '{}', ?, ?, ?, ?)`,
        ...[tenant.id, session, nora, JSON.stringify({ identityProvider: 'idp_1', at: host.now, amr })],
        ...[`host-of-${session}`, host.now, host.now + day],
      );
    login('uss_1', ['pwd']);
    const [code, failed, steps] = await why();
    expect([code, failed]).toEqual(['policy_denied', ['policy']]);
    const detailOf = (check: string) => steps.find((step: Answer) => step.check === check).detail;
    expect(detailOf('policy')).toBe('strict: host-of-uss_1: rule amr');
    expect(detailOf('grant')).toContain('through Engineering');
    login('uss_2', ['hwk']);
    expect((await why()).slice(0, 2)).toEqual([null, []]);
    await tenant.patch(`/users/${nora}`, { active: false });
    expect((await why())[0]).toBe('user_inactive');
  });
});

describe('limits', () => {
  test('an API token that asks too much is told when to come back', async () => {
    host.allows = (bucket) => bucket !== 'api';
    const refused = await host.ask('GET', '/remote-networks', tenant.token);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited', retry: true } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('only bad credentials count as failed logins, by address', async () => {
    const counted: string[] = [];
    host.allows = (bucket, key) => {
      if (bucket === 'failed_login') counted.push(key);
      return bucket === 'api' || counted.length < 3;
    };
    const from = { 'cf-connecting-ip': '192.0.2.7' };
    await host.ask('GET', '/remote-networks', tenant.token, undefined, from);
    await host.ask('POST', '/remote-networks', tenant.token, { wrong: true }, from);
    expect(counted).toEqual([]);
    const guess = () => host.ask('GET', '/remote-networks', `spt_${'a'.repeat(43)}`, undefined, from);
    expect([(await guess()).status, (await guess()).status, (await guess()).status]).toEqual([401, 401, 429]);
    expect(counted).toEqual(['192.0.2.7', '192.0.2.7', '192.0.2.7']);
  });
});

test('last use of an API token is noted, not more than once a minute', async () => {
  const { id } = (await tenant.get('/api-tokens')).items[0];
  await host.settled();
  const first = (await tenant.get(`/api-tokens/${id}`)).last_used_at;
  expect(Date.parse(first)).toBe(host.now);
  host.now += 59_000;
  await tenant.get('/tenant');
  await host.settled();
  expect((await tenant.get(`/api-tokens/${id}`)).last_used_at).toBe(first);
  host.now += 1_000;
  await tenant.get('/tenant');
  await host.settled();
  expect(Date.parse((await tenant.get(`/api-tokens/${id}`)).last_used_at)).toBe(host.now);
});
