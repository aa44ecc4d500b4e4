/**
 * What all routes of administrators have in common: problems, Idempotency-Key, pages, and the OpenAPI
 * document that describes them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errors } from '#schema/errors.ts';
import type { Admin, Answer } from '../world/admin.ts';
import { Administration, json } from './administration.ts';

let world: Administration;
let admin: Admin;
let tenantId: string;

beforeAll(async () => {
  world = await Administration.start();
  const tenant = await world.tenant();
  admin = tenant.admin;
  tenantId = tenant.id;
});
afterAll(() => world.stop());

const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  world.ask(method, `/api/v1${path}`, {
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    token: admin.token,
  });

describe('problems', () => {
  test('are RFC 9457 documents with the request’s id', async () => {
    const { status, headers, body } = await ask('GET', '/resources/res_x');
    expect(status).toBe(404);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toEqual({
      type: 'urn:sallyport:problem:not_found',
      title: errors.not_found.title,
      status: 404,
      detail: 'no Resource res_x',
      code: 'not_found',
      request_id: headers.get('x-request-id'),
      retry: false,
      remedy: errors.not_found.remedy,
    });
  });

  test('of a body name each field that is wrong', async () => {
    const { status, body } = await ask('POST', '/resources', { name: '', tcp: 'some', colour: 'red' });
    expect(status).toBe(422);
    expect(body.code).toBe('validation_failed');
    expect(body.errors.map((error: Answer) => error.pointer)).toEqual(
      expect.arrayContaining(['/name', '/remote_network_id', '/address', '/tcp']),
    );
    expect(JSON.stringify(body.errors)).toContain('colour');
  });

  test.each([
    ['a path that is not there', 'GET', '/nothing', undefined, {}, 404, 'not_found'],
    ['a method that is not there', 'PUT', '/resources', undefined, {}, 405, 'method_not_allowed'],
    ['broken JSON', 'POST', '/remote-networks', '{"name":', {}, 400, 'bad_request'],
    [
      'another media type',
      'POST',
      '/remote-networks',
      'name=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    [
      'a body of more than 1 MiB',
      'POST',
      '/remote-networks',
      JSON.stringify({ name: 'x'.repeat(1024 * 1024) }),
      {},
      413,
      'payload_too_large',
    ],
    ['no body', 'POST', '/remote-networks', undefined, {}, 422, 'validation_failed'],
    ['nothing to change', 'PATCH', '/remote-networks/net_x', {}, {}, 422, 'validation_failed'],
    ['a wrong query', 'GET', '/resources?limit=0', undefined, {}, 422, 'validation_failed'],
    ['a wrong instant', 'GET', '/events?since=yesterday', undefined, {}, 422, 'validation_failed'],
    [
      'a name that steers a terminal',
      'POST',
      '/service-accounts',
      { name: '\u001b[2J' },
      {},
      422,
      'validation_failed',
    ],
    ['a tag without value', 'GET', '/resources?tag=env', undefined, {}, 422, 'validation_failed'],
    ['a wrong cursor', 'GET', '/resources?cursor=nonsense', undefined, {}, 400, 'bad_request'],
  ])('%s', async (_, method, path, body, headers, status, code) => {
    const answer = await ask(method, path, body, headers as unknown as Record<string, string>);
    expect(answer).toMatchObject({ status, body: { code, status } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('405 says what is allowed', async () => {
    expect((await ask('PUT', '/resources')).headers.get('allow')).toBe('GET, POST');
    expect((await ask('POST', '/resources/res_x', {})).headers.get('allow')).toBe('DELETE, GET, PATCH');
  });
});

describe('Idempotency-Key', () => {
  const create = (name: string, key: string, token = admin.token) =>
    world.ask('POST', '/api/v1/remote-networks', {
      body: JSON.stringify({ name }),
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      token,
    });

  test('a repetition gets the first answer and changes nothing', async () => {
    const first = await create('repeated', 'k-1');
    expect(first.status).toBe(201);
    const again = await create('repeated', 'k-1');
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await admin.get(`/audit?target=${first.body.id}`)).items).toHaveLength(1);
  });

  test('two at once make one thing', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create('at once', 'k-2')));
    for (const { status, body } of answers) {
      expect(status === 201 || body.code === 'idempotency_in_progress').toBe(true);
    }
    const { items } = await admin.get('/remote-networks?limit=200');
    expect(items.filter((item: Answer) => item.name === 'at once')).toHaveLength(1);
  });

  test('the same key for another request is refused', async () => {
    await create('first use', 'k-3');
    expect(await create('second use', 'k-3')).toMatchObject({
      status: 422,
      body: { code: 'idempotency_conflict' },
    });
  });

  test('a request that was refused leaves its key free', async () => {
    await create('taken', 'k-4');
    expect(await create('taken', 'k-5')).toMatchObject({ status: 409, body: { code: 'name_taken' } });
    expect((await create('not taken', 'k-5')).status).toBe(201);
  });

  test('a request that is still running is told so, until it must have died', async () => {
    await create('running', 'k-6');
    await world.sql("DELETE FROM remote_networks WHERE name = 'running'");
    await world.sql("UPDATE idempotency_keys SET status = NULL, body = NULL WHERE key LIKE '%k-6'");
    expect(await create('running', 'k-6')).toMatchObject({
      status: 409,
      body: { code: 'idempotency_in_progress', retry: true },
    });
    await world.sql("UPDATE idempotency_keys SET created_at = created_at - 61000 WHERE key LIKE '%k-6'");
    expect((await create('running', 'k-6')).status).toBe(201);
  });

  test('secrets in kept answers can be read with the caller’s own token alone', async () => {
    const headers = { 'idempotency-key': 'k-7' };
    const body = { name: 'kept', scopes: ['events:read'] };
    const first = await ask('POST', '/api-tokens', body, headers);
    expect(first.body.token).toMatch(/^spt_/);
    const again = await ask('POST', '/api-tokens', body, headers);
    expect(again.body).toEqual(first.body);
    const rows = JSON.stringify(await world.sql('SELECT * FROM idempotency_keys'));
    expect(rows).not.toContain(first.body.token);
    expect(rows).not.toContain('kept');
    const other = await admin.post('/api-tokens', { name: 'other', scopes: ['*'] });
    expect((await create('by another token', 'k-7', other.token)).status).toBe(201);
  });

  test('revocations are kept with their receipt', async () => {
    const account = await admin.post('/service-accounts', { name: 'idempotent' });
    const key = await admin.post(`/service-accounts/${account.id}/keys`, { name: 'k' });
    const path = `/service-keys/${key.id}/revoke`;
    const first = await ask('POST', path, {}, { 'idempotency-key': 'k-8' });
    const again = await ask('POST', path, {}, { 'idempotency-key': 'k-8' });
    expect(first.status).toBe(200);
    expect(again).toMatchObject({ status: 200, body: first.body });
  });
});

describe('pages', () => {
  test('go through everything once, oldest first, while things are added', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      made.push((await admin.post('/service-accounts', { name: `page ${i}` })).id);
    }
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Answer = await admin.get(`/service-accounts?limit=3${cursor && `&cursor=${cursor}`}`);
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.items.map((item: Answer) => item.id));
      cursor = page.next_cursor;
      if (seen.length === 3) made.push((await admin.post('/service-accounts', { name: 'late' })).id);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => made.includes(id))).toEqual(made);
    expect(seen).toEqual(seen.toSorted());
  });

  test('of events and audit go newest first, also where instants are equal', async () => {
    for (let i = 0; i < 9; i++) {
      await world.sql(
        `INSERT INTO events (tenant_id, id, at, kind, reporter, connection, protocol, host, path, bytes_up, bytes_down, duration_ms)
         VALUES (?, ?, ?, 'closed', 'con_x', 'cnx_1', 'tcp', 'db.internal', 'relay', 1, 2, 3)`,
        ...[tenantId, `evt_${i}`, 1000 + Math.floor(i / 3)],
      );
    }
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Answer = await admin.get(`/events?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.items.map((item: Answer) => item.id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].map((i) => `evt_${i}`));
    const audit = (await admin.get('/audit?limit=200')).items.map((entry: Answer) => entry.at);
    expect(audit).toEqual(audit.toSorted().reverse());
  });

  test('are of at most 200', async () => {
    expect((await ask('GET', '/events?limit=201')).body.code).toBe('validation_failed');
    expect((await ask('GET', '/events?limit=200')).status).toBe(200);
  });
});

describe('OpenAPI', () => {
  let document: Answer;
  beforeAll(async () => {
    document = (await world.ask('GET', '/api/v1/openapi.json')).body;
  });

  const operations = (): [string, string, Answer][] =>
    Object.entries<Answer>(document.paths).flatMap(([path, item]) =>
      Object.entries<Answer>(item).map(([method, operation]): [string, string, Answer] => [
        path,
        method,
        operation,
      ]),
    );

  test('is a 3.1 document open to everybody', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(operations().length).toBeGreaterThan(45);
  });

  test('has a summary, a tag, an id of its own, security and errors for every operation', () => {
    const ids = new Set<string>();
    for (const [path, method, operation] of operations()) {
      const where = `${method} ${path}`;
      expect([where, typeof operation.summary, operation.tags?.length]).toEqual([where, 'string', 1]);
      expect([where, ids.has(operation.operationId)]).toEqual([where, false]);
      ids.add(operation.operationId);
      const schemes = operation.security.flatMap((one: object) => Object.keys(one));
      // What an API token may ask, a person in the console may.
      expect([where, schemes.includes('apiToken')]).toEqual([where, schemes.includes('session')]);
      expect(schemes.length).toBeGreaterThan(0);
      for (const name of schemes) expect(document.components.securitySchemes).toHaveProperty(name);
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '422', '429', '500']));
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = (operation.parameters ?? []).filter((p: Answer) => p.in === 'path');
      expect([where, described.map((p: Answer) => p.name)]).toEqual([where, named]);
      if (method === 'post' && operation.security[0].apiToken) {
        const header = operation.parameters.find((p: Answer) => p.in === 'header');
        expect([where, header?.name]).toEqual([where, 'idempotency-key']);
      }
    }
  });

  test('on a Tenant’s URL leaves out what only the deployment offers', async () => {
    const { body } = await world.ask('GET', `${admin.url}/api/v1/openapi.json`);
    expect(body.servers).toEqual([{ url: admin.url }]);
    expect(body.paths).toHaveProperty('/api/v1/tenant');
    expect(JSON.stringify(body.paths)).not.toContain('operatorToken');
    expect(Object.keys(body.paths).filter((path) => path.startsWith('/api/v1/relays'))).toEqual([]);
  });

  test('says what a request may not be', () => {
    const change = document.paths['/api/v1/tenant'].patch.requestBody.content['application/json'].schema;
    expect(change).toMatchObject({ minProperties: 1, additionalProperties: false });
    const granted = document.paths['/api/v1/grants'].post.responses;
    expect(granted['200'].content).toEqual(granted['201'].content);
    const scope =
      document.paths['/api/v1/api-tokens'].post.requestBody.content['application/json'].schema.properties
        .scopes.items;
    expect(scope.enum).toContain('networks:read');
    for (const [path, method, { responses }] of operations())
      expect([method, path, '413' in responses]).toEqual([method, path, method !== 'get']);
  });

  test('refers to nothing that it lacks', () => {
    const text = JSON.stringify(document);
    for (const [, ref] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = ref!.split('/').reduce<Answer>((at, step) => at?.[step], document);
      expect([ref, found === undefined]).toEqual([ref, false]);
    }
  });

  test('describes the answers that are given', async () => {
    const network = await admin.post('/remote-networks', { name: 'described' });
    const shape = document.components.schemas.RemoteNetwork;
    expect(Object.keys(network).toSorted()).toEqual(Object.keys(shape.properties).toSorted());
    const problem = (await ask('GET', '/resources/res_x')).body;
    expect(Object.keys(problem)).toEqual(
      expect.arrayContaining(document.components.schemas.Problem.required),
    );
  });

  test('leads to routes that are there', async () => {
    for (const [path, method] of operations()) {
      if (!path.startsWith('/api/v1')) continue;
      const answer = await world.ask(
        method.toUpperCase(),
        path.replaceAll(/\{\w+\}/g, 'x'),
        method === 'get' ? {} : json({}),
      );
      expect([method, path, answer.body.code]).toEqual([method, path, 'unauthenticated']);
    }
  });
});
