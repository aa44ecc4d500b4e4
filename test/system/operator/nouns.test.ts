/** Everything that the operator CLI has commands for: listed, created by name, changed, shown and deleted. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OperatorCli } from './cli.ts';

let cli: OperatorCli;
beforeAll(async () => {
  cli = await OperatorCli.furnished();
});
afterAll(() => cli?.stop());

describe('every noun', () => {
  test.each([
    ['tenants', ['tenant', 'list'], 'SLUG'],
    ['relays', ['relay', 'list'], 'nothing'],
    ['networks', ['network'], 'CONNECTORS'],
    ['connectors', ['connector', 'list', '--network', 'office'], 'office-1'],
    ['resources', ['resource', 'list', '--network', 'office'], 'web'],
    ['services', ['service'], 'LIVE_INSTANCES'],
    ['grants', ['grant', 'list', '--service', 'ci'], 'active'],
    ['tokens', ['token', 'list'], 'first'],
    ['signing keys', ['signing-key', 'list'], 'active'],
    ['audit', ['audit', '--actor', 'operator'], 'tenant.create'],
    ['the Tenant', ['tenant', 'show'], 'staleness_budget_seconds: 900'],
  ])('%s', async (_, args, shown) => {
    const done = await cli.run(args);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).toContain(shown);
  });

  test('what is created by name is changed, shown and deleted by name', async () => {
    await cli.ask('network', 'create', '--name', 'lab', '--location', 'Oslo');
    expect(await cli.ask('network', 'update', 'lab', '--location', '')).toMatchObject({ location: null });
    const resource = ['--network', 'lab', '--address', '*.lab.internal', '--tags', 'env=lab'];
    await cli.ask('resource', 'create', '--name', 'lab-web', ...resource);
    expect(await cli.ask('resource', 'update', 'lab-web', '--tcp', '443,8000-8100')).toMatchObject({
      tcp: [
        { from: 443, to: 443 },
        { from: 8000, to: 8100 },
      ],
    });
    expect((await cli.ask('resource', 'list', '--tag', 'env:lab')).items).toHaveLength(1);
    await cli.ask('service', 'create', '--name', 'lab-ci');
    await cli.ask('service', 'update', 'lab-ci', '--description', 'tests');
    await cli.ask('grant', 'create', '--service', 'lab-ci', '--resource', 'lab-web');
    await cli.ask('connector', 'create', '--name', 'lab-1', '--network', 'lab');
    await cli.ask('connector', 'rename', 'lab-1', '--name', 'lab-2');
    expect(await cli.ask('connector', 'rotate', 'lab-2')).toHaveProperty('enrolment_token');
    for (const [noun, name] of [
      ['grant', 'lab-ci/lab-web'],
      ['service', 'lab-ci'],
      ['resource', 'lab-web'],
      ['connector', 'lab-2'],
      ['network', 'lab'],
    ]) {
      expect(await cli.ask(noun!, 'show', name!)).toHaveProperty('id');
      expect(await cli.ask(noun!, 'delete', name!)).toBeNull();
    }
  }, 180_000);

  test('people, groups, policies, identity providers, SCIM tokens, sessions: by names too', async () => {
    const { id } = await cli.ask('user', 'create', '--email', 'pia@acme.example', '--role', 'devops');
    expect(await cli.ask('user', 'update', 'pia@acme.example', '--role', '', '--name', 'Pia')).toMatchObject({
      id,
      role: null,
      name: 'Pia',
    });
    expect((await cli.ask('user', 'list', '--q', 'pia')).items).toMatchObject([{ id }]);
    await cli.ask('group', 'create', '--name', 'team');
    expect(await cli.ask('group', 'add', 'team', '--user', 'pia@acme.example')).toMatchObject({ members: 1 });
    expect((await cli.ask('user', 'list', '--group', 'team')).items).toHaveLength(1);
    const rules = '{"acr":["mfa"],"session_seconds":3600}';
    await cli.ask('policy', 'create', '--name', 'strict', '--rules', rules);
    await cli.ask('network', 'create', '--name', 'people');
    const address = ['--network', 'people', '--address', 'people.internal', '--policy', 'strict'];
    await cli.ask('resource', 'create', '--name', 'people-web', ...address);
    expect(await cli.ask('policy', 'show', 'strict')).toMatchObject({
      resources: 1,
      rules: { acr: ['mfa'] },
    });
    expect(await cli.ask('grant', 'create', '--group', 'team', '--resource', 'people-web')).toHaveProperty(
      'id',
    );
    expect((await cli.ask('grant', 'list', '--group', 'team')).items).toHaveLength(1);
    expect(await cli.ask('resource', 'update', 'people-web', '--policy', '')).toMatchObject({
      policy_id: null,
    });
    expect(await cli.ask('group', 'remove', 'team', 'pia@acme.example')).toBeNull();

    const secret = join(cli.folder, 'client-secret');
    await writeFile(secret, 'kept to itself\n');
    const issuer = ['--preset', 'keycloak', '--issuer', 'https://id.example/realms/a', '--client-id', 'c'];
    const provider = ['--name', 'Keycloak', ...issuer, '--client-secret-file', secret];
    const made = await cli.ask(
      'identity-provider',
      'create',
      ...provider,
      '--allowed-domains',
      'acme.example',
    );
    expect(made).toMatchObject({ has_secret: true, redirect_uri: `${cli.world.tenantUrl}/login/callback` });
    expect(await cli.ask('identity-provider', 'update', 'Keycloak', '--enabled', 'false')).toMatchObject({
      enabled: false,
    });
    const scim = await cli.ask('scim-token', 'create', '--name', 'okta', '--expires-in-days', '30');
    expect(scim).toMatchObject({ base_url: `${cli.world.tenantUrl}/scim/v2` });
    expect(await cli.ask('scim-token', 'revoke', 'okta')).toMatchObject({ state: 'revoked' });
    expect((await cli.ask('session', 'list', '--user', 'pia@acme.example')).items).toEqual([]);
    expect((await cli.ask('console-session', 'list')).items).toEqual([]);
    expect(await cli.ask('user', 'update', 'pia@acme.example', '--active', 'false')).toMatchObject({
      active: false,
    });
    for (const [noun, name] of [
      ['scim-token', 'okta'],
      ['identity-provider', 'Keycloak'],
      ['resource', 'people-web'],
      ['network', 'people'],
      ['policy', 'strict'],
      ['group', 'team'],
      ['user', 'pia@acme.example'],
    ])
      expect(await cli.ask(noun!, 'delete', name!)).toBeNull();
    expect(await cli.ask('setup-code', 'create')).toHaveProperty('code');
  }, 180_000);

  test('an API token is made, narrowed and revoked; the operator makes one for a Tenant', async () => {
    const made = await cli.ask(
      'token',
      'create',
      '--name',
      'reader',
      '--scopes',
      'networks:read,resources:read',
    );
    const env = { SALLYPORT_API_TOKEN: made.token };
    expect((await cli.run(['network', 'list'], env)).code).toBe(0);
    const beyond = await cli.run(['service', 'list'], env);
    expect(beyond).toMatchObject({ code: 1, out: '' });
    expect(beyond.error).toContain('services:read');
    await cli.ask('token', 'update', 'reader', '--scopes', 'networks:read');
    expect((await cli.run(['resource', 'list'], env)).code).toBe(1);
    await cli.ask('token', 'revoke', 'reader');
    expect((await cli.run(['network', 'list'], env)).error).toContain('SALLYPORT_API_TOKEN is not accepted');
    await cli.ask('token', 'delete', 'reader');
    expect((await cli.ask('tenant', 'token', cli.world.tenant, '--scopes', '*')).token).toMatch(/^spt_/);
  }, 180_000);

  test('operator and Tenant change what is theirs', async () => {
    expect(await cli.ask('tenant', 'update', '--event-retention-days', '7')).toMatchObject({
      event_retention_days: 7,
    });
    expect(await cli.ask('tenant', 'set', cli.world.tenant, '--name', 'Acme')).toMatchObject({
      name: 'Acme',
    });
    await cli.ask('relay', 'create', '--name', 'spare', '--url', 'https://relay.example.com');
    expect(await cli.ask('relay', 'delete', 'spare')).toBeNull();
  }, 180_000);
});
