/** `sallyport apply`: the configuration becomes what a document says. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../../world/admin.ts';
import { address, OperatorCli } from './cli.ts';

let cli: OperatorCli;
beforeAll(async () => {
  cli = await OperatorCli.furnished();
});
afterAll(() => cli?.stop());

describe('apply', () => {
  const document = (more: Record<string, unknown> = {}) => ({
    networks: [{ name: 'office' }, { name: 'plant', location: 'Bergen' }],
    resources: [
      { name: 'web', network: 'office', address, tcp: [{ from: cli.port, to: cli.port }] },
      {
        name: 'db',
        network: 'plant',
        address: 'DB.Internal.',
        alias: 'db.plant.example',
        tcp: [
          { from: 5433, to: 5433 },
          { from: 5432, to: 5432 },
        ],
        tags: { env: 'prod', team: 'data' },
      },
    ],
    services: [{ name: 'ci' }, { name: 'backup', description: 'nightly' }],
    grants: [
      { service: 'ci', resource: 'web' },
      { service: 'backup', resource: 'db', expires_at: '2099-01-01T01:00:00+01:00' },
    ],
    ...more,
  });
  test('--dry-run says what would be done and does nothing', async () => {
    const done = await cli.run(['apply', await cli.file(document()), '--dry-run']);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out.split('\n')).toEqual([
      '+ network plant',
      '+ service backup',
      '+ resource db',
      '+ grant backup/db',
      '4 changes, none made',
      '',
    ]);
    expect((await cli.ask('network', 'list')).items).toHaveLength(1);
  });

  test('creates what is missing; a second time there is nothing to do', async () => {
    const path = await cli.file(document());
    expect((await cli.run(['apply', path])).out).toContain('4 changes\n');
    expect(await cli.ask('resource', 'show', 'db')).toMatchObject({
      address: 'db.internal',
      tcp: [{ from: 5432, to: 5433 }],
      tags: { env: 'prod', team: 'data' },
    });
    const version = (await cli.ask('tenant', 'show')).config_version;
    expect((await cli.run(['apply', path])).out).toBe('no changes\n');
    expect(await cli.ask('apply', path)).toEqual({ applied: true, changes: [] });
    expect((await cli.ask('tenant', 'show')).config_version).toBe(version);
  });

  test('changes only what differs, and names it', async () => {
    const { resources, grants, ...rest } = document();
    const changed = {
      ...rest,
      networks: [{ name: 'plant', location: null }],
      resources: [{ ...resources[1]!, tcp: 'all', network: 'office' }],
      grants: [{ service: 'backup', resource: 'db' }],
    };
    expect((await cli.run(['apply', await cli.file(changed)])).out.split('\n')).toEqual([
      '~ network plant (location)',
      '~ resource db (network, tcp)',
      '~ grant backup/db (expires_at)',
      '3 changes',
      '',
    ]);
    expect(await cli.ask('grant', 'show', 'backup/db')).toMatchObject({ expires_at: null });
    expect((await cli.run(['apply', await cli.file(changed)])).out).toBe('no changes\n');
  });

  test('deletes with --prune alone, and only from lists that the document has', async () => {
    const { resources, grants } = document();
    const less = { resources: [resources[0]], grants: [grants[0]] };
    expect((await cli.run(['apply', await cli.file(less)])).out).toBe('no changes\n');
    expect(await cli.ask('apply', await cli.file(less), '--prune')).toEqual({
      applied: true,
      changes: [
        { action: 'delete', kind: 'grant', name: 'backup/db', fields: [] },
        { action: 'delete', kind: 'resource', name: 'db', fields: [] },
      ],
    });
    expect((await cli.ask('service', 'list')).items.map(({ name }: Answer) => name)).toEqual([
      'ci',
      'backup',
    ]);
  });

  test.each([
    ['no JSON', '{', 2, 'is not JSON'],
    ['an unknown list', { users: [] }, 2, 'users'],
    ['a wrong field', { networks: [{ name: 7 }] }, 2, 'networks.0.name'],
    ['a name twice', { networks: [{ name: 'a' }, { name: 'a' }] }, 2, 'a is there twice'],
    [
      'a name that is nowhere',
      { grants: [{ service: 'nobody', resource: 'web' }] },
      2,
      'no nobody among the services',
    ],
    [
      'an address that cannot be',
      { resources: [{ name: 'x', network: 'office', address: '10.0.0.1/8' }] },
      1,
      '10.0.0.0/8',
    ],
  ])('refuses %s in one line, before it changes anything', async (_, content, code, told) => {
    const done = await cli.run(['apply', await cli.file(content)]);
    expect(done).toMatchObject({ code, out: '' });
    expect(done.error).toContain(told);
    expect(done.error.trimEnd().split('\n')).toHaveLength(1);
  });
});
