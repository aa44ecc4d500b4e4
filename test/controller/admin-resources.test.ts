/**
 * Remote Networks, Connectors, Resources and grants: what is accepted, in which form, what is refused and
 * why, and what each says of the others.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Admin, Answer } from '../world/admin.ts';
import { Administration, problemOf } from './administration.ts';

let world: Administration;
let admin: Admin;
let network: string;
let serial = 0;

beforeAll(async () => {
  world = await Administration.start();
  ({ admin } = await world.tenant());
  network = (await admin.post('/remote-networks', { name: 'office', location: 'Berlin' })).id;
});
afterAll(() => world.stop());

const create = (body: Record<string, unknown>): Promise<Answer> =>
  admin.post('/resources', { name: `resource ${++serial}`, remote_network_id: network, ...body });

describe('Remote Networks', () => {
  test('are created, changed and deleted once they are empty', async () => {
    const made = await admin.post('/remote-networks', { name: 'lab' });
    expect(made).toMatchObject({ name: 'lab', location: null, connectors: 0, resources: 0 });
    expect(await problemOf(admin.post('/remote-networks', { name: 'lab' }))).toMatchObject({
      status: 409,
      code: 'name_taken',
    });
    expect(await admin.patch(`/remote-networks/${made.id}`, { location: 'Oslo' })).toMatchObject({
      name: 'lab',
      location: 'Oslo',
    });
    const connector = await admin.post('/connectors', { remote_network_id: made.id });
    expect((await admin.get(`/remote-networks/${made.id}`)).connectors).toBe(1);
    expect(await problemOf(admin.delete(`/remote-networks/${made.id}`))).toMatchObject({ code: 'in_use' });
    await admin.delete(`/connectors/${connector.id}`);
    await admin.delete(`/remote-networks/${made.id}`);
    expect(await problemOf(admin.get(`/remote-networks/${made.id}`))).toMatchObject({ code: 'not_found' });
  });
});

describe('Connectors', () => {
  test('several per place, each with a one-time token of its own that is kept as a hash', async () => {
    const [one, two] = [
      await admin.post('/connectors', { name: 'one', remote_network_id: network }),
      await admin.post('/connectors', { name: 'two', remote_network_id: network }),
    ];
    expect(one).toMatchObject({ state: 'not_enrolled', hash: null, relays: [] });
    expect(one.enrolment_token).toMatch(/^spe_[A-Za-z0-9_-]{43}$/);
    expect(one.enrolment_token).not.toBe(two.enrolment_token);
    expect(await admin.get(`/connectors/${one.id}`)).not.toHaveProperty('enrolment_token');
    for (const table of ['enrolment_tokens', 'audit_entries']) {
      const rows = JSON.stringify(await world.sql(`SELECT * FROM ${table}`));
      expect(rows).not.toContain(one.enrolment_token);
    }
    const { items } = await admin.get(`/connectors?remote_network_id=${network}`);
    expect(items.map((item: Answer) => item.name)).toEqual(['one', 'two']);
    expect(await admin.patch(`/connectors/${two.id}`, { name: 'second' })).toMatchObject({ name: 'second' });
    expect(await problemOf(admin.patch(`/connectors/${two.id}`, { name: 'one' }))).toMatchObject({
      code: 'name_taken',
    });
  });

  test('rotate gives a new token in place of the unused one', async () => {
    const made = await admin.post('/connectors', { remote_network_id: network });
    const rotated = await admin.post(`/connectors/${made.id}/rotate`);
    expect(rotated.enrolment_token).not.toBe(made.enrolment_token);
    const rows = await world.sql('SELECT hash FROM enrolment_tokens WHERE connector_id = ?', made.id);
    expect(rows).toHaveLength(1);
  });

  test('revoke is final', async () => {
    const made = await admin.post('/connectors', { remote_network_id: network });
    const revoked = await admin.post(`/connectors/${made.id}/revoke`);
    expect(revoked).toMatchObject({ state: 'revoked', receipt: { complete: true } });
    for (const action of ['revoke', 'rotate']) {
      expect(await problemOf(admin.post(`/connectors/${made.id}/${action}`))).toMatchObject({
        status: 409,
        code: 'illegal_transition',
        state: 'revoked',
        allowed: ['delete'],
      });
    }
    expect(await world.sql('SELECT * FROM enrolment_tokens WHERE connector_id = ?', made.id)).toEqual([]);
    await admin.delete(`/connectors/${made.id}`);
  });
});

describe('Resources', () => {
  test.each([
    [{ address: '192.0.2.5' }, { address: '192.0.2.5', tcp: 'all', udp: 'all', icmp: true, tags: {} }],
    [
      { address: '192.0.2.128/25', icmp: false },
      { address: '192.0.2.128/25', icmp: false },
    ],
    [{ address: '2001:DB8::0:1' }, { address: '2001:db8::1' }],
    [{ address: '2001:db8:1::/48' }, { address: '2001:db8:1::/48' }],
    [
      { address: 'Git.Example.', alias: 'Git.Corp.Int' },
      { address: 'git.example', alias: 'git.corp.int' },
    ],
    [{ address: '*.Stage.Example' }, { address: '*.stage.example' }],
    [
      {
        address: 'ports.example',
        tcp: [
          { from: 443, to: 443 },
          { from: 80, to: 81 },
        ],
        udp: 'none',
      },
      {
        tcp: [
          { from: 80, to: 81 },
          { from: 443, to: 443 },
        ],
        udp: 'none',
      },
    ],
    [{ address: 'tags.example', tags: { env: 'prod' } }, { tags: { env: 'prod' } }],
    [
      { address: '127.0.0.1', allow_reserved: true },
      { address: '127.0.0.1', allow_reserved: true },
    ],
  ])('%j becomes %j', async (body, expected) => {
    const made = await create(body);
    expect(made).toMatchObject(expected);
    expect(await admin.get(`/resources/${made.id}`)).toMatchObject(expected);
  });

  test.each([
    [{ address: 'http://db.internal' }, 'address_invalid'],
    [{ address: '10.1.2.3/16' }, 'address_host_bits'],
    [{ address: '2001:db8::5/64' }, 'address_host_bits'],
    [{ address: '127.0.0.2' }, 'address_reserved'],
    [{ address: '169.254.169.254' }, 'address_reserved'],
    [{ address: 'fe80::1' }, 'address_reserved'],
    [{ address: '100.96.1.1' }, 'address_reserved'],
    [{ address: '100.96.1.1', allow_reserved: true }, 'address_reserved'],
    [{ address: 'x.example', tcp: [{ from: 90, to: 80 }] }, 'ports_invalid'],
    [{ address: 'x.example', udp: [{ from: 0, to: 70000 }] }, 'ports_invalid'],
    [{ address: 'x.example', alias: 'nodot' }, 'alias_invalid'],
    [{ address: 'x.example', alias: 'x.local' }, 'alias_invalid'],
    [{ address: 'x.example', alias: 'x.example' }, 'alias_invalid'],
    [{ address: '10.0.0.0/24', alias: 'net.corp.int' }, 'alias_invalid'],
    [{ address: '*.x.example', alias: 'any.corp.int' }, 'alias_invalid'],
  ])('%j is refused: %s', async (body, code) =>
    expect(await problemOf(create(body))).toMatchObject({ status: 422, code }),
  );

  test('host bits come with the network that was meant', async () => {
    expect((await problemOf(create({ address: '10.1.2.3/16' })))['detail']).toContain('10.1.0.0/16');
  });

  test('addresses, aliases and names are each taken once', async () => {
    const held = await create({ name: 'held', address: 'held.example', alias: 'held.corp.int' });
    const taken = async (body: Record<string, unknown>) => {
      const { code, detail } = await problemOf(create(body));
      return [code, String(detail ?? '').includes(held.id)];
    };
    expect(await taken({ name: 'held', address: 'other.example' })).toEqual(['name_taken', false]);
    expect(await taken({ address: 'HELD.example' })).toEqual(['address_taken', true]);
    expect(await taken({ address: 'other.example', alias: 'held.corp.int' })).toEqual(['alias_taken', true]);
    expect(await taken({ address: 'other.example', alias: 'held.example' })).toEqual(['alias_taken', true]);
    expect(await taken({ address: 'held.corp.int' })).toEqual(['alias_taken', true]);
    const elsewhere = (await admin.post('/remote-networks', { name: 'elsewhere' })).id;
    const twin = await create({ address: 'held.example', remote_network_id: elsewhere });
    expect(twin.overlaps).toContainEqual(
      expect.objectContaining({ resource_id: held.id, wins: 'other', why: 'older' }),
    );
    expect(
      await problemOf(admin.patch(`/resources/${twin.id}`, { remote_network_id: network })),
    ).toMatchObject({
      code: 'address_taken',
    });
  });

  test('tell what an address would overlap before there is one of it, as the youngest or as itself', async () => {
    const wild = await create({ address: '*.preview.example' });
    const said = async (query: string) =>
      (await admin.get(`/resources/overlaps?${query}`)).overlaps.map(
        ({ resource_id, wins, why }: Answer) => `${resource_id} ${wins} ${why}`,
      );
    expect(await said('address=DB.preview.example.')).toEqual([`${wild.id} this literal_name`]);
    expect(await said('address=?.preview.example')).toEqual([`${wild.id} other older`]);
    expect(await said('address=elsewhere.example&alias=a.preview.example')).toEqual([
      `${wild.id} this literal_name`,
    ]);
    expect(await said(`address=*.preview.example&id=${wild.id}`)).toEqual([]);
    expect(await problemOf(admin.get('/resources/overlaps?address=http://x'))).toMatchObject({
      code: 'address_invalid',
    });
  });

  test('are listed with the name of their place and how many grants are in force', async () => {
    const { id } = await create({ address: 'listed.example' });
    const account = await admin.post('/service-accounts', { name: 'listed' });
    const ask = async () => (await admin.get('/resources?q=listed.example')).items[0];
    expect(await ask()).toMatchObject({ id, remote_network_name: 'office', grants: 0 });
    const grant = await admin.post('/grants', { resource_id: id, service_account_id: account.id });
    expect(await ask()).toMatchObject({ grants: 1 });
    await world.sql('UPDATE grants SET expires_at = 1 WHERE id = ?', grant.id);
    expect(await ask()).toMatchObject({ grants: 0 });
  });

  test('say which others they overlap, who wins and why', async () => {
    const wide = await create({ address: '10.20.0.0/16' });
    const narrow = await create({ address: '10.20.30.0/24' });
    const one = await create({ address: '10.20.30.40', alias: 'one.over.example' });
    const wild = await create({ address: '*.over.example' });
    expect(wide.overlaps).toEqual([]);
    expect(narrow.overlaps).toEqual([
      expect.objectContaining({ resource_id: wide.id, wins: 'this', why: 'longer_prefix' }),
    ]);
    const said = (answer: Answer) =>
      Object.fromEntries(answer.overlaps.map((o: Answer) => [o.resource_id, `${o.wins} ${o.why}`]));
    expect(said(await admin.get(`/resources/${one.id}`))).toEqual({
      [wide.id]: 'this longer_prefix',
      [narrow.id]: 'this longer_prefix',
      [wild.id]: 'this literal_name',
    });
    expect(said(await admin.get(`/resources/${wide.id}`))).toEqual({
      [narrow.id]: 'other longer_prefix',
      [one.id]: 'other longer_prefix',
    });
    expect(said(wild)).toEqual({ [one.id]: 'other literal_name' });
  });

  test('are changed in part, by the same rules', async () => {
    const { id } = await create({ address: 'part.example', tags: { a: '1' } });
    expect(
      await admin.patch(`/resources/${id}`, { tcp: [{ from: 22, to: 22 }], alias: 'part.corp.int' }),
    ).toMatchObject({
      address: 'part.example',
      alias: 'part.corp.int',
      tcp: [{ from: 22, to: 22 }],
      tags: { a: '1' },
    });
    expect(await problemOf(admin.patch(`/resources/${id}`, { address: '10.0.0.0/24' }))).toMatchObject({
      code: 'alias_invalid',
    });
    expect(await admin.patch(`/resources/${id}`, { address: '10.99.0.0/24', alias: null })).toMatchObject({
      address: '10.99.0.0/24',
      alias: null,
    });
    expect(await problemOf(admin.patch(`/resources/${id}`, { address: '127.0.0.1' }))).toMatchObject({
      code: 'address_reserved',
    });
  });

  test('are found by place and by tag', async () => {
    const { id } = await create({ address: 'tagged.example', tags: { team: 'a:b "c"' } });
    const found = await admin.get(`/resources?tag=${encodeURIComponent('team:a:b "c"')}`);
    expect(found.items.map((item: Answer) => item.id)).toEqual([id]);
    expect((await admin.get('/resources?remote_network_id=net_x')).items).toEqual([]);
  });
});

describe('grants', () => {
  test('many at once for one pair are one grant', async () => {
    const { id } = await create({ address: 'once.internal' });
    const account = await admin.post('/service-accounts', { name: 'at once' });
    const body = { resource_id: id, service_account_id: account.id };
    const made: Answer[] = await Promise.all(Array.from({ length: 8 }, () => admin.post('/grants', body)));
    expect(new Set(made.map((grant) => grant.id)).size).toBe(1);
    expect((await admin.get(`/audit?target=${made[0].id}`)).items).toHaveLength(1);
  });

  test('are one for each pair: granting twice answers the same grant', async () => {
    const { id } = await create({ address: 'granted.example' });
    const account = await admin.post('/service-accounts', { name: 'granted' });
    const body = { resource_id: id, service_account_id: account.id };
    const [first, second] = [await admin.post('/grants', body), await admin.post('/grants', body)];
    expect(second).toEqual(first);
    expect((await admin.get(`/service-accounts/${account.id}`)).resources).toBe(1);
    const ends = '2030-01-01T00:00:00.000Z';
    expect(await admin.post('/grants', { ...body, expires_at: ends })).toMatchObject({
      id: first.id,
      expires_at: ends,
    });
    for (const filter of [`resource_id=${id}`, `service_account_id=${account.id}`]) {
      expect((await admin.get(`/grants?${filter}`)).items.map((item: Answer) => item.id)).toEqual([first.id]);
    }
    await admin.delete(`/grants/${first.id}`);
    expect(await problemOf(admin.get(`/grants/${first.id}`))).toMatchObject({ code: 'not_found' });
    expect((await admin.post('/grants', body)).id).not.toBe(first.id);
  });

  test('go with their Resource', async () => {
    const { id } = await create({ address: 'going.example' });
    const account = await admin.post('/service-accounts', { name: 'going' });
    const grant = await admin.post('/grants', { resource_id: id, service_account_id: account.id });
    await admin.delete(`/resources/${id}`);
    expect(await problemOf(admin.get(`/grants/${grant.id}`))).toMatchObject({ code: 'not_found' });
  });
});

describe('Service Accounts', () => {
  test('are deleted only without an active key, and take grants and dead keys along', async () => {
    const { id } = await create({ address: 'account.example' });
    const account = await admin.post('/service-accounts', { name: 'leaving', description: 'soon' });
    expect(await admin.patch(`/service-accounts/${account.id}`, { description: null })).toMatchObject({
      name: 'leaving',
      description: null,
    });
    const key = await admin.post(`/service-accounts/${account.id}/keys`, { name: 'k' });
    const grant = await admin.post('/grants', { resource_id: id, service_account_id: account.id });
    const refused = await problemOf(admin.delete(`/service-accounts/${account.id}`));
    expect(refused).toMatchObject({ status: 409, code: 'in_use' });
    expect(refused['detail']).toContain(key.id);
    await admin.post(`/service-keys/${key.id}/revoke`);
    await admin.delete(`/service-accounts/${account.id}`);
    for (const path of [`/service-accounts/${account.id}`, `/service-keys/${key.id}`, `/grants/${grant.id}`])
      expect(await problemOf(admin.get(path))).toMatchObject({ code: 'not_found' });
  });
});
