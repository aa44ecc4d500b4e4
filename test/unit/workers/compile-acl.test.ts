/** What the ACLs say, worked out from the rows of the tables. */
import { describe, expect, test } from 'vitest';
import {
  compileForNetwork,
  compileForPrincipal,
  nextExpiry,
  relayList,
} from '#workers/controller/agents/compile-acl.ts';
import type { Configuration } from '#workers/controller/agents/read-configuration.ts';

const now = 1_800_000_000_000;
const settings = { edgeRelays: [{ id: 'rel_edge', url: 'https://x', carriers: ['websocket' as const] }] };

const resource = (id: string, network: string, more: object = {}) =>
  ({
    id: `res_${id}`,
    remoteNetworkId: `net_${network}`,
    address: `${id}.internal`,
    alias: null,
    tcp: 'all',
    udp: 'none',
    icmp: false,
    ...more,
  }) as never;

const connector = (hash: string, network: string, more: object = {}) =>
  ({
    id: `con_${hash}`,
    hash,
    remoteNetworkId: `net_${network}`,
    relays: null,
    weight: null,
    connectedAt: null,
    ...gone,
    ...more,
  }) as never;
const gone = { disconnectedAt: null };

const configuration = (more: Partial<Configuration>): Configuration => ({
  tenant: {} as never,
  now,
  grants: new Map(),
  resources: [],
  connectors: [],
  floors: [],
  revocations: [],
  relays: [],
  keys: new Map(),
  instances: new Map(),
  sessions: new Map(),
  policies: [],
  ...more,
});

describe('what a principal is shown', () => {
  test('its own Resources by Remote Network, with the end of the grant', () => {
    const grants = new Map([
      [
        'svc_a',
        [
          { expiresAt: now + 1_500, resource: resource('z', 'one') },
          { expiresAt: null, resource: resource('b', 'one', { alias: 'b.alias' }) },
          { expiresAt: null, resource: resource('c', 'two') },
        ],
      ],
      ['svc_b', [{ expiresAt: null, resource: resource('d', 'three') }]],
    ]);
    const views = compileForPrincipal(configuration({ grants }), 'svc_a', settings);
    expect(Object.keys(views)).toEqual(['net_one', 'net_two']);
    const entry = { tcp: 'all', udp: 'none', icmp: false };
    expect(views['net_one']?.resources).toEqual([
      { id: 'res_b', address: 'b.internal', alias: 'b.alias', ...entry },
      { id: 'res_z', address: 'z.internal', ...entry, until: Math.floor((now + 1_500) / 1000) },
    ]);
    expect(compileForPrincipal(configuration({ grants }), 'svc_c', settings)).toEqual({});
  });

  test('the Connectors that are there; those long gone only when there is no other', () => {
    const grants = new Map([['svc_a', [{ expiresAt: null, resource: resource('a', 'one') }]]]);
    const shown = (...connectors: never[]) =>
      compileForPrincipal(configuration({ grants, connectors }), 'svc_a', settings)[
        'net_one'
      ]?.connectors.map(({ hash }) => hash);
    const here = { connectedAt: now - 500_000 };
    const justGone = { connectedAt: now - 500_000, disconnectedAt: now - 60_000 };
    const longGone = { connectedAt: now - 500_000, disconnectedAt: now - 300_000 };
    const back = { connectedAt: now - 1_000, disconnectedAt: now - 300_000 };
    expect(
      shown(
        connector('a', 'one', here),
        connector('b', 'one', justGone),
        connector('c', 'one', longGone),
        connector('d', 'one', back),
        connector('e', 'two', here),
      ),
    ).toEqual(['a', 'b', 'd']);
    expect(shown(connector('c', 'one', longGone), connector('f', 'one'))).toEqual(['c', 'f']);
    expect(shown()).toEqual([]);
  });

  test('where a Connector is met: at the relays that it is linked to, in the order of the list', () => {
    const grants = new Map([['svc_a', [{ expiresAt: null, resource: resource('a', 'one') }]]]);
    const relays = ['rel_2', 'rel_1'].map((id) => ({ id, url: 'http://r', carriers: ['raw'] })) as never;
    const met = (links: unknown) =>
      compileForPrincipal(
        configuration({ grants, relays, connectors: [connector('a', 'one', { relays: links })] }),
        'svc_a',
        settings,
      )['net_one']?.connectors[0]?.relays;
    const linked = (relay: string, state = 'connected') => ({ relay, state });
    expect(met([linked('rel_edge'), linked('rel_1'), linked('rel_2', 'failed')])).toEqual([
      'rel_1',
      'rel_edge',
    ]);
    expect(met([linked('rel_gone')])).toEqual(['rel_1', 'rel_2', 'rel_edge']);
    expect(met(null)).toEqual(['rel_1', 'rel_2', 'rel_edge']);
    expect(relayList({ relays }, settings).map(({ id }) => id)).toEqual(['rel_1', 'rel_2', 'rel_edge']);
  });
});

test('how much of the load each Connector takes, where that is not the usual', () => {
  const grants = new Map([['svc_a', [{ expiresAt: null, resource: resource('a', 'one') }]]]);
  const connectors = [null, 100, 50, 0].map((weight, i) => connector(`${i}`, 'one', { weight }));
  const shown = compileForPrincipal(configuration({ grants, connectors }), 'svc_a', settings)['net_one'];
  expect(shown?.connectors.map(({ weight }) => weight)).toEqual([undefined, undefined, 50, 0]);
});

test('a Connector is told its own Remote Network’s Resources, the floors and what was revoked', () => {
  const entries = compileForNetwork(
    configuration({
      resources: [resource('a', 'one'), resource('b', 'two')],
      floors: [{ principalId: 'svc_a', version: 7 }] as never,
      revocations: [
        {
          subject: { keys: ['key_1'], instances: ['ins_1'], principals: [], connectors: ['h'], jkts: ['j'] },
        },
      ] as never,
    }),
    'net_one',
  );
  expect(Object.keys(entries).sort()).toEqual([
    'floor:svc_a',
    'resource:res_a',
    'revoked:ins_1',
    'revoked:key_1',
  ]);
});

test('the next expiry is that of a grant or key, whichever comes first, and never one that has passed', () => {
  const ends = (grant: number | null, key: number | null) =>
    nextExpiry(
      configuration({
        grants: new Map([['svc_a', [{ expiresAt: grant, resource: resource('a', 'one') }]]]),
        keys: new Map([['key_1', { expiresAt: key } as never]]),
      }),
    );
  expect(ends(null, null)).toBeUndefined();
  expect(ends(now + 5, now + 3)).toBe(now + 3);
  expect(ends(now + 2, null)).toBe(now + 2);
  expect(ends(now - 1, now)).toBeUndefined();
});
