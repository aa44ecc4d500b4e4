/**
 * What `sallyport apply` makes of a document and of what there is, without a Controller.
 */
import { expect, test } from 'vitest';
import { type Present, plan } from '#node-agents/operator/apply/plan.ts';

const present = (): Present => ({
  networks: [{ id: 'net_1', name: 'office', location: null }],
  services: [{ id: 'svc_1', name: 'ci', description: 'builds' }],
  resources: [
    {
      id: 'res_1',
      name: 'db',
      remote_network_id: 'net_1',
      address: 'db.internal',
      alias: null,
      tcp: [{ from: 5432, to: 5433 }],
      udp: 'none',
      icmp: true,
      tags: { a: '1', b: '2' },
      allow_reserved: false,
    },
  ],
  grants: [
    {
      id: 'grt_1',
      service_account_id: 'svc_1',
      resource_id: 'res_1',
      expires_at: '2027-01-01T00:00:00.000Z',
    },
  ],
});
const db = { name: 'db', network: 'office', address: 'db.internal' };
const told = (...of: Parameters<typeof plan>) =>
  plan(...of).map(({ action, list, name, changed }) => [action, list, name, ...changed]);

test('another spelling of the same is no difference', () => {
  const document = {
    networks: [{ name: 'office', location: null }],
    resources: [
      {
        ...db,
        address: ' DB.internal. ',
        tcp: [
          { from: 5433, to: 5433 },
          { from: 5432, to: 5432 },
        ],
        udp: [],
        tags: { b: '2', a: '1' },
      },
    ],
    grants: [{ service: 'ci', resource: 'db', expires_at: '2027-01-01T02:00:00+02:00' }],
  };
  expect(told(document, present(), true)).toEqual([]);
});

test('what a document does not say is left alone', () => {
  expect(told({ services: [{ name: 'ci' }], resources: [db] }, present(), false)).toEqual([]);
  expect(told({}, present(), true)).toEqual([]);
});

test('a grant without an end is a grant for good', () => {
  const document = { grants: [{ service: 'ci', resource: 'db', expires_at: null }] };
  expect(told(document, present(), false)).toEqual([['update', 'grants', 'ci/db', 'expires_at']]);
});

test('what others need is created first and deleted last', () => {
  const document = {
    networks: [{ name: 'plant' }],
    services: [{ name: 'backup' }],
    resources: [{ name: 'nas', network: 'plant', address: '10.0.0.5' }],
    grants: [{ service: 'backup', resource: 'nas', expires_at: null }],
  };
  expect(told(document, present(), true)).toEqual([
    ['create', 'networks', 'plant'],
    ['create', 'services', 'backup'],
    ['create', 'resources', 'nas'],
    ['create', 'grants', 'backup/nas'],
    ['delete', 'grants', 'ci/db'],
    ['delete', 'resources', 'db'],
    ['delete', 'services', 'ci'],
    ['delete', 'networks', 'office'],
  ]);
});

test('a Resource that moves is compared by the name of its network', () => {
  const document = { networks: [{ name: 'plant' }], resources: [{ ...db, network: 'plant' }] };
  expect(told(document, present(), false)).toEqual([
    ['create', 'networks', 'plant'],
    ['update', 'resources', 'db', 'remote_network_id'],
  ]);
});

test.each([
  ['a network that is nowhere', { resources: [{ ...db, network: 'moon' }] }, 'no moon among the networks'],
  [
    'a Resource that is nowhere',
    { grants: [{ service: 'ci', resource: 'x', expires_at: null }] },
    'no x among the resources',
  ],
  ['an address with host bits', { resources: [{ ...db, address: '10.0.0.1/8' }] }, '10.0.0.0/8'],
  ['a reserved address', { resources: [{ ...db, address: '127.0.0.1' }] }, 'resource db'],
])('%s is refused', (_, document, message) => {
  expect(() => plan(document, present(), false)).toThrow(message);
});
