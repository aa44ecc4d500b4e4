/**
 * Commands for people: who there is and in which groups, what policies ask of them, where they log in, and
 * which of their log-ins are live.
 */
import type { Command, Field } from '../command.ts';
import { expiryDays, named, paging, rename, required } from './field.ts';

const user: Field = { flag: 'user', help: 'of this person alone', names: 'user', sends: 'user_id' };
const role: Field = {
  flag: 'role',
  help: 'owner, admin, devops, support or auditor; empty: none',
  as: 'clearable',
};
const rules: Field = {
  flag: 'rules',
  help: 'JSON, such as {"acr":["mfa"],"session_seconds":28800}; what is left out is not asked for',
  as: 'json',
};
const domains: Field = { flag: 'allowed-domains', help: 'of e-mail addresses; none: any', as: 'list' };
const secret: Field = {
  flag: 'client-secret-file',
  help: 'file that holds the client secret, which no command line should; - is standard input',
  as: 'file',
  sends: 'client_secret',
};
const createsUsers: Field = {
  flag: 'creates-users',
  help: 'true or false: whether somebody unknown becomes a user by logging in',
  as: 'boolean',
};

export const peopleCommands: Command[] = [
  {
    name: 'user create',
    help: 'somebody who may log in before the identity provider has told of them',
    request: 'POST /users',
    fields: [{ flag: 'email', help: 'that the identity provider vouches for', required: true }, rename, role],
  },
  {
    name: 'user list',
    help: 'the people',
    request: 'GET /users',
    fields: [
      { flag: 'role', help: 'of this role alone' },
      { flag: 'active', help: 'true or false', as: 'boolean' },
      { flag: 'group', help: 'of this group alone', names: 'group', sends: 'group_id' },
      ...paging,
    ],
    columns: ['id', 'user_name', 'name', 'role', 'active', 'source', 'groups', 'last_login_at'],
  },
  { name: 'user show', help: 'one of them', request: 'GET /users/:user' },
  {
    name: 'user update',
    help: 'name, role, and whether they may get in; --active false cuts them at once',
    request: 'PATCH /users/:user',
    fields: [rename, role, { flag: 'active', help: 'true or false', as: 'boolean' }],
  },
  { name: 'user delete', help: 'with grants, groups and sessions', request: 'DELETE /users/:user' },
  { name: 'group create', help: 'a local group', request: 'POST /groups', fields: [named] },
  {
    name: 'group list',
    help: 'the groups',
    request: 'GET /groups',
    fields: paging,
    columns: ['id', 'name', 'source', 'members', 'resources'],
  },
  { name: 'group show', help: 'one of them', request: 'GET /groups/:group' },
  { name: 'group update', help: 'renames it', request: 'PATCH /groups/:group', fields: [required(rename)] },
  { name: 'group delete', help: 'with its grants', request: 'DELETE /groups/:group' },
  {
    name: 'group add',
    help: 'somebody joins it',
    request: 'POST /groups/:group/members',
    fields: [required({ ...user, help: 'who' })],
  },
  {
    name: 'group remove',
    help: 'somebody leaves it, and loses at once what it alone gave',
    request: 'DELETE /groups/:group/members/:user',
  },
  {
    name: 'policy create',
    help: 'a Security Policy: what people must show beyond who they are',
    request: 'POST /policies',
    fields: [named, required(rules)],
  },
  {
    name: 'policy list',
    help: 'the Security Policies',
    request: 'GET /policies',
    fields: paging,
    columns: ['id', 'name', 'is_default', 'resources'],
  },
  { name: 'policy show', help: 'one, with its rules', request: 'GET /policies/:policy' },
  {
    name: 'policy update',
    help: 'changes what is given; --default true: it stands over every Resource that names no other',
    request: 'PATCH /policies/:policy',
    fields: [rename, rules, { flag: 'default', help: 'true', as: 'boolean', sends: 'is_default' }],
  },
  { name: 'policy delete', help: 'removes one that is in no use', request: 'DELETE /policies/:policy' },
  {
    name: 'identity-provider create',
    help: 'where people log in (OpenID Connect)',
    request: 'POST /identity-providers',
    fields: [
      named,
      { flag: 'preset', help: 'google, entra, okta, keycloak or oidc (default)' },
      { flag: 'issuer', help: 'its URL', required: true },
      { flag: 'client-id', help: 'as it is registered there', required: true },
      secret,
      domains,
      createsUsers,
    ],
  },
  {
    name: 'identity-provider list',
    help: 'the identity providers, with the redirect URI to register',
    request: 'GET /identity-providers',
    fields: paging,
    columns: ['id', 'name', 'preset', 'issuer', 'enabled', 'people', 'redirect_uri'],
  },
  { name: 'identity-provider show', help: 'one of them', request: 'GET /identity-providers/:provider' },
  {
    name: 'identity-provider update',
    help: 'changes what is given; its issuer stays',
    request: 'PATCH /identity-providers/:provider',
    fields: [
      rename,
      { flag: 'client-id', help: 'as it is registered there' },
      secret,
      domains,
      createsUsers,
      { flag: 'enabled', help: 'true or false', as: 'boolean' },
    ],
  },
  {
    name: 'identity-provider delete',
    help: 'nobody logs in by it any more; the people stay',
    request: 'DELETE /identity-providers/:provider',
  },
  {
    name: 'scim-token create',
    help: 'a token for the identity provider’s SCIM client, shown once with the base URL',
    request: 'POST /scim-tokens',
    fields: [named, expiryDays],
  },
  {
    name: 'scim-token list',
    help: 'the SCIM tokens',
    request: 'GET /scim-tokens',
    fields: paging,
    columns: ['id', 'name', 'state', 'expires_at', 'last_used_at'],
  },
  { name: 'scim-token revoke', help: 'ends it for good', request: 'POST /scim-tokens/:scim/revoke' },
  { name: 'scim-token delete', help: 'removes it', request: 'DELETE /scim-tokens/:scim' },
  {
    name: 'console-session list',
    help: 'who is in the console',
    request: 'GET /console-sessions',
    fields: [user, ...paging],
    columns: ['id', 'user_id', 'state', 'address', 'last_seen_at', 'expires_at'],
  },
  {
    name: 'console-session revoke',
    help: 'logs a browser out',
    request: 'POST /console-sessions/:browser/revoke',
  },
  {
    name: 'session list',
    help: 'people’s log-ins on devices',
    request: 'GET /user-sessions',
    fields: [user, ...paging],
    columns: ['id', 'user_id', 'state', 'hostname', 'platform', 'live_instances', 'expires_at'],
  },
  {
    name: 'session revoke',
    help: 'ends a log-in on a device and cuts its flows',
    request: 'POST /user-sessions/:login/revoke',
  },
];
