/**
 * A large Tenant, written into the Controller's database at once: 10,000 Resources, 5,000 people and 100,000
 * events, and what goes with them. A tenth of the events lies within the last hour.
 */
import type { RunningController } from '#workers/local/start.ts';

export const sizes = { resources: 10_000, people: 5_000, events: 100_000, accounts: 1_000, audit: 20_000 };
const networks = 20;
const groups = 50;
const hour = 3_600_000;
const month = 30 * 24 * hour;

/** Statements that take the Tenant's id and a time; `n` counts from 0. */
const tables: [name: string, rows: number, columns: string, values: string][] = [
  [
    'remote_networks',
    networks,
    'id, name, location, created_at',
    `'net_' || n, 'network ' || n, 'city ' || n, ?2`,
  ],
  [
    'connectors',
    networks * 2,
    'id, remote_network_id, name, created_at',
    `'con_' || n, 'net_' || (n % ${networks}), 'connector ' || n, ?2`,
  ],
  ['policies', 40, 'id, name, rules, created_at, updated_at', `'pol_' || n, 'policy ' || n, '{}', ?2, ?2`],
  [
    'resources',
    sizes.resources,
    'id, remote_network_id, name, address, tcp, udp, tags, created_at, updated_at',
    `printf('res_%06d', n), 'net_' || (n % ${networks}), 'resource ' || n, 'host-' || n || '.internal', '"all"', '"all"', '{"env":"prod"}', ?2, ?2`,
  ],
  [
    'users',
    sizes.people,
    'id, user_name, email, name, source, created_at, updated_at',
    `printf('usr_%06d', n), 'person' || n || '@acme.example', 'person' || n || '@acme.example', 'Person ' || n, 'scim', ?2, ?2`,
  ],
  [
    'groups',
    groups,
    'id, name, source, created_at, updated_at',
    `'grp_' || n, 'group ' || n, 'scim', ?2, ?2`,
  ],
  ['group_members', sizes.people, 'group_id, user_id', `'grp_' || (n % ${groups}), printf('usr_%06d', n)`],
  ['service_accounts', sizes.accounts, 'id, name, created_at', `printf('svc_%06d', n), 'service ' || n, ?2`],
  [
    'service_keys',
    sizes.accounts * 2,
    'id, service_account_id, name, public_jwk, created_at, expires_at',
    `printf('key_%06d', n), printf('svc_%06d', n / 2), 'key ' || n, '{}', ?2, ?2 + n * 3600000`,
  ],
  [
    'grants',
    sizes.resources,
    'id, resource_id, grantee_kind, grantee_id, created_at',
    `printf('grt_%06d', n), printf('res_%06d', n), 'service_account', printf('svc_%06d', n % ${sizes.accounts}), ?2`,
  ],
  [
    'user_sessions',
    sizes.people,
    'id, user_id, public_jwk, authentication, hostname, created_at, expires_at',
    `printf('uss_%06d', n), printf('usr_%06d', n), '{}', '{"identityProvider":"idp_1","at":1}', 'laptop-' || n, ?2, ?2 + 86400000`,
  ],
  [
    'instances',
    5_000,
    'id, principal_id, key_id, jkt, hostname, started_at',
    `printf('ins_%06d', n), printf('svc_%06d', n % 1000), printf('key_%06d', n % 10), 'jkt', 'host-' || n, ?2`,
  ],
  [
    'events',
    sizes.events,
    'id, at, kind, reporter, connection, principal, key, instance, client_address, resource, rule, protocol, host, port, resolved, network, connector, path, bytes_up, bytes_down, duration_ms, code',
    `printf('evt_%06d', n),
     case when n % 10 = 0 then ?2 - (n * 7919 % ${hour}) else ?2 - (n * 7919 % ${month}) end,
     case n % 20 when 0 then 'denied' when 1 then 'failed' when 2 then 'established' else 'closed' end,
     'con_' || (n % 40), 'cnx_' || (n / 2), printf('svc_%06d', n % 997), printf('key_%06d', n % 1994), printf('ins_%06d', n % 4999),
     '10.0.' || (n % 200) || '.' || (n % 250), printf('res_%06d', n % 9973), 'host-' || (n % 9973) || '.internal', 'tcp',
     'host-' || (n % 9973) || '.internal', 443, '10.1.2.3', 'net_' || (n % 20), 'con_' || (n % 40),
     case when n % 20 < 2 then 'none' when n % 3 = 0 then 'direct' else 'relay' end, n, n, n,
     case n % 20 when 0 then 'port_denied' when 1 then 'connection_refused' end`,
  ],
  [
    'audit_entries',
    sizes.audit,
    'id, at, actor, action, target_kind, target_id, before, after, request_id',
    `printf('aud_%06d', n), ?2 - n * 60000, 'tok_' || (n % 5), 'resource.update', 'resource', printf('res_%06d', n % 10000), '{"name":"before"}', '{"name":"resource ' || n || '"}', 'req_' || n`,
  ],
];

export async function seed(controller: RunningController, tenant: string, now: number): Promise<void> {
  const database = await controller.database();
  for (const [name, rows, columns, values] of tables) {
    await database
      .prepare(
        `with recursive counted(n) as (select 0 union all select n + 1 from counted where n < ${rows - 1})
         insert into ${name} (tenant_id, ${columns}) select ?1, ${values} from counted where ?2 > 0`,
      )
      .bind(tenant, now)
      .run();
  }
}
