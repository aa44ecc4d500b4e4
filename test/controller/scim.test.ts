/**
 * SCIM 2.0 as identity providers speak it: RFC 7644's own ways, and those of Okta and Entra that differ. What
 * they say counts at once: somebody who is deactivated is cut, somebody who leaves a group loses what it gave.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../world/admin.ts';
import { Administration } from './administration.ts';

let administration: Administration;
let tenant: Awaited<ReturnType<Administration['tenant']>>;
let token: string;

beforeAll(async () => {
  administration = await Administration.start();
  tenant = await administration.tenant();
  token = (await tenant.admin.post('/scim-tokens', { name: 'okta' })).token;
}, 60_000);
afterAll(() => administration?.stop());

async function scim(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const {
    status,
    headers: told,
    body: answer,
  } = await administration.ask(method, `${tenant.admin.url}/scim/v2${path}`, {
    token,
    headers: { 'content-type': 'application/scim+json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const etag = told.get('etag');
  return { status, type: told.get('content-type'), etag, body: answer as Answer };
}

let made = 0;
async function user(more: object = {}): Promise<Answer> {
  const userName = `user${++made}@acme.example`;
  const { status, body } = await scim('POST', '/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName,
    name: { givenName: 'Given', familyName: `Family${made}` },
    emails: [{ value: userName, type: 'work', primary: true }],
    active: true,
    ...more,
  });
  expect(status).toBe(201);
  return body;
}
const group = async (displayName: string, members: string[] = []) =>
  (await scim('POST', '/Groups', { displayName, members: members.map((value) => ({ value })) })).body;
const patch = (path: string, ...operations: object[]) =>
  scim('PATCH', path, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations });

describe('a SCIM token', () => {
  test('opens SCIM of its own Tenant and nothing else; revoked, it opens nothing', async () => {
    const other = await administration.tenant();
    const ask = (url: string, bearer: string) => administration.ask('GET', url, { token: bearer });
    expect((await ask(`${other.admin.url}/scim/v2/Users`, token)).status).toBe(401);
    expect((await ask(`${tenant.admin.url}/api/v1/users`, token)).status).toBe(401);
    expect((await ask(`${tenant.admin.url}/scim/v2/Users`, tenant.admin.token)).status).toBe(401);
    const second = await tenant.admin.post('/scim-tokens', { name: 'second' });
    expect(second.base_url).toBe(`${tenant.admin.url}/scim/v2`);
    expect((await ask(`${second.base_url}/Users`, second.token)).status).toBe(200);
    await tenant.admin.post(`/scim-tokens/${second.id}/revoke`);
    const refused = await ask(`${second.base_url}/Users`, second.token);
    expect(refused).toMatchObject({
      status: 401,
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' },
    });
    expect((await scim('GET', '/Users')).status).toBe(200);
    const used = async () => (await tenant.admin.get('/scim-tokens')).items[0].last_used_at;
    await expect.poll(used).not.toBeNull();
  });
});

describe('discovery', () => {
  test('says what is supported, in SCIM’s media type', async () => {
    const config = await scim('GET', '/ServiceProviderConfig');
    expect(config.type).toContain('application/scim+json');
    expect(config.body).toMatchObject({
      patch: { supported: true },
      etag: { supported: true },
      bulk: { supported: false },
    });
    expect((await scim('GET', '/ResourceTypes')).body.Resources.map(({ id }: Answer) => id)).toEqual([
      'User',
      'Group',
    ]);
    expect((await scim('GET', '/ResourceTypes/User')).body.endpoint).toBe('/Users');
    expect((await scim('GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group')).body.name).toBe(
      'Group',
    );
    expect((await scim('GET', '/Bulk')).status).toBe(404);
  });
});

describe('users', () => {
  test('are made, read back with what else was said, replaced and deleted', async () => {
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    const ann = await user({ title: 'Engineer', externalId: 'x-1', [enterprise]: { department: 'R&D' } });
    expect(ann).toMatchObject({
      title: 'Engineer',
      externalId: 'x-1',
      active: true,
      meta: { resourceType: 'User', version: 'W/"1"' },
    });
    const read = await scim('GET', `/Users/${ann.id}`);
    expect(read.body).toEqual(ann);
    expect(read.etag).toBe('W/"1"');
    expect(read.body[enterprise]).toEqual({ department: 'R&D' });
    const put = await scim('PUT', `/Users/${ann.id}`, { ...ann, title: undefined, displayName: 'Ann' });
    expect(put.body).toMatchObject({ displayName: 'Ann', meta: { version: 'W/"2"' } });
    expect(put.body.title).toBeUndefined();
    expect((await tenant.admin.get(`/users/${ann.id}`)).name).toBe('Ann');
    expect((await scim('DELETE', `/Users/${ann.id}`)).status).toBe(204);
    expect((await scim('GET', `/Users/${ann.id}`)).status).toBe(404);
  });

  test('of one name are refused as SCIM says it', async () => {
    const ann = await user();
    const again = await scim('POST', '/Users', { userName: ann.userName.toUpperCase() });
    expect(again).toMatchObject({ status: 409, body: { scimType: 'uniqueness', status: '409' } });
    expect((await scim('POST', '/Users', { active: true })).body).toMatchObject({
      status: '400',
      scimType: 'invalidValue',
    });
  });

  test('are not overwritten by a client that has an old version of them', async () => {
    const ann = await user();
    await patch(`/Users/${ann.id}`, { op: 'replace', path: 'displayName', value: 'New' });
    const stale = await scim('PUT', `/Users/${ann.id}`, ann, { 'if-match': 'W/"1"' });
    expect(stale.status).toBe(412);
    expect((await scim('PUT', `/Users/${ann.id}`, ann, { 'if-match': 'W/"2"' })).status).toBe(200);
    expect((await scim('GET', `/Users/${ann.id}`, undefined, { 'if-none-match': 'W/"3"' })).status).toBe(304);
  });

  test.each<[string, object]>([
    ['Okta: a value without a path', { op: 'replace', value: { active: false } }],
    ['Entra: in capitals, and a string', { op: 'Replace', path: 'active', value: 'False' }],
    ['the RFC’s own', { op: 'replace', path: 'active', value: false }],
  ])('are deactivated: %s', async (_who, operation) => {
    const ann = await user();
    const told = await patch(`/Users/${ann.id}`, operation);
    expect(told).toMatchObject({ status: 200, body: { active: false } });
    expect((await tenant.admin.get(`/users/${ann.id}`)).active).toBe(false);
    await patch(`/Users/${ann.id}`, { op: 'Replace', path: 'active', value: 'True' });
    expect((await tenant.admin.get(`/users/${ann.id}`)).active).toBe(true);
  });

  test('are patched by paths of every kind', async () => {
    const ann = await user();
    const told = await patch(
      `/Users/${ann.id}`,
      { op: 'Add', path: 'title', value: 'Chief' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'chief@acme.example' },
      { op: 'replace', value: { 'name.familyName': 'Changed', displayName: 'The Chief' } },
      { op: 'remove', path: 'name.givenName' },
    );
    expect(told).toMatchObject({
      status: 200,
      body: {
        title: 'Chief',
        name: { familyName: 'Changed' },
        displayName: 'The Chief',
        emails: [{ value: 'chief@acme.example' }],
      },
    });
    expect(told.body.name.givenName).toBeUndefined();
    expect((await tenant.admin.get(`/users/${ann.id}`)).email).toBe('chief@acme.example');
  });

  test('are found by filters, in pages', async () => {
    const zoe = await user({
      userName: 'Zoe.Filter@acme.example',
      externalId: 'filter-1',
      displayName: 'Zoe Filter',
      emails: [{ value: 'zoe@acme.example', primary: true }],
    });
    for (const filter of [
      'userName eq "zoe.filter@acme.example"',
      'externalId eq "filter-1"',
      'userName sw "ZOE." and active eq true',
      'emails[type eq "work" and value eq "zoe@acme.example"]',
      'emails.value co "zoe@"',
      'displayName co "filter" and not (externalId eq "other")',
      `id eq "${zoe.id}"`,
      'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "zoe.filter@acme.example"',
    ]) {
      const { body } = await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`);
      expect([filter, body.Resources.map(({ id }: Answer) => id)]).toEqual([filter, [zoe.id]]);
    }
    const { body } = await scim('GET', '/Users?startIndex=2&count=1');
    expect(body).toMatchObject({ startIndex: 2, itemsPerPage: 1 });
    expect(body.totalResults).toBeGreaterThan(3);
    expect((await scim('GET', '/Users?count=0')).body).toMatchObject({ itemsPerPage: 0, Resources: [] });
    for (const wrong of [
      'userName eq',
      'shoeSize eq 42',
      'userName eq "a" and',
      '__proto__ pr',
      `${'('.repeat(3000)}`,
    ]) {
      const refused = await scim('GET', `/Users?filter=${encodeURIComponent(wrong)}`);
      expect(refused).toMatchObject({ status: 400, body: { scimType: 'invalidFilter' } });
    }
  });

  test('come from hostile bodies no more than from wrong ones', async () => {
    const ann = await user();
    for (const body of [
      '{',
      '[]',
      '"x"',
      '{"Operations": {}}',
      '{"Operations": [{"op": "explode", "path": "a"}]}',
      '{"Operations": [{"op": "add", "path": "__proto__.polluted", "value": 1}]}',
      '{"Operations": [{"op": "add", "value": {"constructor.prototype.polluted": 1}}]}',
      '{"Operations": [{"op":"replace","path":"emails[","value":1}]}',
    ]) {
      const { status, body: told } = await administration.ask(
        'PATCH',
        `${tenant.admin.url}/scim/v2/Users/${ann.id}`,
        { token, body, headers: { 'content-type': 'application/scim+json' } },
      );
      expect([body, status, told.schemas]).toEqual([
        body,
        400,
        ['urn:ietf:params:scim:api:messages:2.0:Error'],
      ]);
    }
    expect((await scim('GET', `/Users/${ann.id}`)).body.polluted).toBeUndefined();
  });

  test('that SCIM keeps are not renamed or deleted by administrators, who still give them roles', async () => {
    const ann = await user();
    await expect(tenant.admin.patch(`/users/${ann.id}`, { name: 'Mine' })).rejects.toMatchObject({
      problem: { code: 'managed_elsewhere' },
    });
    await expect(tenant.admin.delete(`/users/${ann.id}`)).rejects.toMatchObject({
      problem: { code: 'managed_elsewhere' },
    });
    expect(await tenant.admin.patch(`/users/${ann.id}`, { role: 'support' })).toMatchObject({
      role: 'support',
    });
  });
});

describe('groups', () => {
  test('have members, who come and go by every way of saying it', async () => {
    const [ann, bob, cid] = [await user(), await user(), await user()];
    const ops = await group('ops', [ann.id]);
    expect(ops.members).toMatchObject([{ value: ann.id }]);
    const members = async () =>
      (await scim('GET', `/Groups/${ops.id}`)).body.members.map(({ value }: Answer) => value).sort();
    await patch(`/Groups/${ops.id}`, {
      op: 'Add',
      path: 'members',
      value: [{ value: bob.id }, { value: cid.id }],
    });
    expect(await members()).toEqual([ann.id, bob.id, cid.id].sort());
    await patch(`/Groups/${ops.id}`, { op: 'Remove', path: `members[value eq "${bob.id}"]` });
    await patch(`/Groups/${ops.id}`, { op: 'Remove', path: 'members', value: [{ value: cid.id }] });
    expect(await members()).toEqual([ann.id]);
    await patch(`/Groups/${ops.id}`, {
      op: 'replace',
      path: 'members',
      value: [{ value: cid.id }, { value: 'usr_nobody' }],
    });
    expect(await members()).toEqual([cid.id]);
    await patch(`/Groups/${ops.id}`, { op: 'replace', value: { id: ops.id, displayName: 'operations' } });
    expect(await tenant.admin.get(`/groups/${ops.id}`)).toMatchObject({
      name: 'operations',
      source: 'scim',
      members: 1,
    });
    expect((await scim('GET', `/Users/${cid.id}`)).body.groups).toMatchObject([
      { value: ops.id, display: 'operations' },
    ]);
    const short = await scim('GET', '/Groups?excludedAttributes=members&filter=displayName eq "Operations"');
    expect(short.body.Resources).toMatchObject([{ id: ops.id }]);
    expect(short.body.Resources[0].members).toBeUndefined();
    expect((await scim('PUT', `/Groups/${ops.id}`, { displayName: 'operations' })).body.members).toEqual([]);
    expect((await scim('DELETE', `/Groups/${ops.id}`)).status).toBe(204);
    expect((await scim('POST', '/Groups', { displayName: '' })).status).toBe(400);
  });

  test('that SCIM keeps are its own: administrators grant to them and no more', async () => {
    const synced = await group('synced');
    for (const change of [
      () => tenant.admin.patch(`/groups/${synced.id}`, { name: 'mine' }),
      () => tenant.admin.delete(`/groups/${synced.id}`),
      async () => tenant.admin.post(`/groups/${synced.id}/members`, { user_id: (await user()).id }),
    ])
      await expect(change()).rejects.toMatchObject({ problem: { code: 'managed_elsewhere' } });
    const { items } = await tenant.admin.get('/audit?action=group.create');
    expect(items[0]).toMatchObject({ actor: expect.stringMatching(/^scm_/), target: { id: synced.id } });
  });
});
