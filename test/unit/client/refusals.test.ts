/** Proves node-agents/client/{refusals,status}.ts: the latest reasons, bounded, and how a person reads them. */
import { expect, test } from 'vitest';
import { Refusals } from '#node-agents/client/refusals.ts';
import type { Snapshot } from '#node-agents/client/snapshot.ts';
import { statusText } from '#node-agents/client/status.ts';

const at = Date.parse('2027-01-02T03:04:05.678Z');
const tcp = (host: string, port: number) => ({ protocol: 'tcp', host, port }) as const;

test('the latest come first, and no more than twenty are kept', () => {
  const refusals = new Refusals(() => at);
  for (let port = 1; port <= 30; port++)
    refusals.note({ destination: tcp('db.internal', port), clientAddress: '', code: 'port_denied' });
  expect(refusals.latest.map(({ port }) => port)).toEqual(Array.from({ length: 20 }, (_, i) => 30 - i));
});

test('who tries again and again is one of them, counted', () => {
  const refusals = new Refusals(() => at);
  const again = {
    destination: tcp('db.internal', 1),
    clientAddress: '10.0.0.1',
    code: 'port_denied',
  } as const;
  for (const _ of [1, 2, 3]) refusals.note(again);
  refusals.note({ ...again, destination: tcp('db.internal', 2) });
  refusals.note({ ...again, connection: 'cnx_4', detail: 'so it is' });
  refusals.note({ ...again, code: 'cancelled' });
  expect(refusals.latest).toMatchObject([
    {
      ...{ at: '2027-01-02T03:04:05.678Z', times: 4, code: 'port_denied', detail: 'so it is' },
      ...{ protocol: 'tcp', host: 'db.internal', port: 1, client_address: '10.0.0.1', connection: 'cnx_4' },
    },
    { times: 1, port: 2, connection: null, detail: null },
  ]);
});

test('a person reads when, where to, for whom, how often and why', () => {
  const refusals = new Refusals(() => at);
  refusals.note({
    destination: { protocol: 'icmp', host: '10.66.0.9' },
    clientAddress: '100.96.0.1',
    code: 'icmp_unavailable',
  });
  const v6 = {
    destination: tcp('fd66::9', 22),
    clientAddress: '192.168.77.2',
    code: 'no_connector',
  } as const;
  for (const _ of [1, 2]) refusals.note({ ...v6, detail: 'its Remote Network has no Connector' });
  const nothing = { associations: 0, evicted: 0, datagrams_up: 0, datagrams_down: 0, datagrams_dropped: 0 };
  const text = statusText({
    ...{ state: 'online', version: '1', tenant: 't', service_account: 's', key: 'k', key_expires_at: null },
    ...{
      instance: null,
      waiting_for: null,
      acl_version: null,
      networks: [],
      doubts: 0,
      direct_paths: { opened: 0, failed: 0 },
      relays: [],
      listeners: {},
    },
    controller: { state: 'open', heard_seconds_ago: null, clock_offset_ms: 0 },
    ...{
      direct: true,
      p2p: 'auto' as const,
      flows: 0,
      udp: nothing,
      tun: null,
      events: { waiting: 0, dropped: 0 },
      uptime_seconds: 1,
    },
    refusals: refusals.latest,
  } satisfies Snapshot);
  expect(text.split('\n').filter((line) => line.startsWith('Refused'))).toEqual([
    'Refused      2027-01-02T03:04:05Z tcp [fd66::9]:22 for 192.168.77.2, 2 times, no_connector: its Remote Network has no Connector',
    'Refused      2027-01-02T03:04:05Z icmp 10.66.0.9, icmp_unavailable: The Connector may not send pings.',
  ]);
});
