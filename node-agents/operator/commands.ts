/**
 * The operator's commands as a table: what each is called, which request it makes, what it takes and what
 * it shows. `run.ts` reads it, `help.ts` prints it; a command that is one request needs nothing more.
 */

export interface Field {
  /** Flag without dashes; the body's or query's field has underscores instead of dashes. */
  flag: string;
  help: string;
  required?: boolean;
  /** How the text becomes a value; plain text when absent. */
  as?: 'number' | 'boolean' | 'ports' | 'list' | 'pairs' | 'expiry' | 'jwk-file';
}

export interface Command {
  noun: string;
  verb: string;
  help: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below /api/v1; `:id` is filled from the positional arguments, in order. */
  path: string;
  fields?: Field[];
  /** Fields of an item shown as a table; all of them with --json. */
  columns?: string[];
  /** Uses the deployment's operator token rather than a Tenant's API token. */
  operator?: boolean;
}

const paging: Field[] = [
  { flag: 'limit', help: 'items in one answer, 1–200', as: 'number' },
  { flag: 'cursor', help: 'where the last answer ended' },
];

const resourceFields: Field[] = [
  { flag: 'address', help: '10.0.0.5, 10.0.0.0/24, db.internal or *.internal' },
  { flag: 'alias', help: 'a second name' },
  { flag: 'tcp', help: 'all, none, or ports such as 80,8000-8100', as: 'ports' },
  { flag: 'udp', help: 'all, none, or ports', as: 'ports' },
  { flag: 'icmp', help: 'true or false', as: 'boolean' },
  { flag: 'tags', help: 'env=prod,team=db', as: 'pairs' },
  { flag: 'allow-reserved', help: 'true when it really lies in a reserved range', as: 'boolean' },
];

const since: Field[] = [
  { flag: 'since', help: 'RFC 3339 time' },
  { flag: 'until', help: 'RFC 3339 time' },
];

export const commands: Command[] = [
  {
    noun: 'tenant',
    verb: 'create',
    help: 'a new Tenant and its first API token',
    method: 'POST',
    path: '/tenants',
    operator: true,
    fields: [
      { flag: 'slug', help: 'its name in URLs', required: true },
      { flag: 'name', help: 'its name for people', required: true },
      { flag: 'hostname', help: 'its own host name' },
    ],
  },
  {
    noun: 'tenant',
    verb: 'list',
    help: 'all Tenants of the deployment',
    method: 'GET',
    path: '/tenants',
    operator: true,
    fields: paging,
    columns: ['id', 'slug', 'name', 'hostname'],
  },
  {
    noun: 'relay',
    verb: 'create',
    help: 'a relay and its one-time enrolment token',
    method: 'POST',
    path: '/relays',
    operator: true,
    fields: [
      { flag: 'name', help: 'its name', required: true },
      { flag: 'url', help: 'where agents reach it', required: true },
    ],
  },
  {
    noun: 'relay',
    verb: 'list',
    help: 'the relays of the deployment',
    method: 'GET',
    path: '/relays',
    operator: true,
    columns: ['id', 'name', 'url', 'state'],
  },
  {
    noun: 'relay',
    verb: 'delete',
    help: 'removes a relay',
    method: 'DELETE',
    path: '/relays/:id',
    operator: true,
  },
  {
    noun: 'network',
    verb: 'create',
    help: 'a Remote Network',
    method: 'POST',
    path: '/remote-networks',
    fields: [
      { flag: 'name', help: 'its name', required: true },
      { flag: 'location', help: 'where it is' },
    ],
  },
  {
    noun: 'network',
    verb: 'list',
    help: 'the Remote Networks',
    method: 'GET',
    path: '/remote-networks',
    fields: paging,
    columns: ['id', 'name', 'location'],
  },
  {
    noun: 'network',
    verb: 'delete',
    help: 'removes an empty Remote Network',
    method: 'DELETE',
    path: '/remote-networks/:id',
  },
  {
    noun: 'connector',
    verb: 'create',
    help: 'a Connector and its one-time enrolment token',
    method: 'POST',
    path: '/connectors',
    fields: [
      { flag: 'name', help: 'its name', required: true },
      { flag: 'remote-network-id', help: 'net_…', required: true },
    ],
  },
  {
    noun: 'connector',
    verb: 'list',
    help: 'the Connectors and how they are',
    method: 'GET',
    path: '/connectors',
    fields: paging,
    columns: ['id', 'name', 'remote_network_id', 'state', 'state_reason', 'version'],
  },
  { noun: 'connector', verb: 'show', help: 'one Connector', method: 'GET', path: '/connectors/:id' },
  {
    noun: 'connector',
    verb: 'rotate',
    help: 'a new enrolment token; its next start takes a new key',
    method: 'POST',
    path: '/connectors/:id/rotate',
  },
  {
    noun: 'connector',
    verb: 'revoke',
    help: 'cuts it off for good; prints who confirmed',
    method: 'POST',
    path: '/connectors/:id/revoke',
  },
  {
    noun: 'connector',
    verb: 'delete',
    help: 'removes a revoked or never enrolled Connector',
    method: 'DELETE',
    path: '/connectors/:id',
  },
  {
    noun: 'resource',
    verb: 'create',
    help: 'a Resource',
    method: 'POST',
    path: '/resources',
    fields: [
      { flag: 'name', help: 'its name', required: true },
      { flag: 'remote-network-id', help: 'net_…', required: true },
      ...resourceFields.map((field) => (field.flag === 'address' ? { ...field, required: true } : field)),
    ],
  },
  {
    noun: 'resource',
    verb: 'update',
    help: 'changes what is given',
    method: 'PATCH',
    path: '/resources/:id',
    fields: [{ flag: 'name', help: 'its name' }, ...resourceFields],
  },
  {
    noun: 'resource',
    verb: 'list',
    help: 'the Resources',
    method: 'GET',
    path: '/resources',
    fields: paging,
    columns: ['id', 'name', 'address', 'alias', 'remote_network_id'],
  },
  { noun: 'resource', verb: 'show', help: 'one Resource', method: 'GET', path: '/resources/:id' },
  { noun: 'resource', verb: 'delete', help: 'removes it', method: 'DELETE', path: '/resources/:id' },
  {
    noun: 'service',
    verb: 'create',
    help: 'a Service Account',
    method: 'POST',
    path: '/service-accounts',
    fields: [
      { flag: 'name', help: 'its name', required: true },
      { flag: 'description', help: 'what it is for' },
    ],
  },
  {
    noun: 'service',
    verb: 'list',
    help: 'the Service Accounts',
    method: 'GET',
    path: '/service-accounts',
    fields: paging,
    columns: ['id', 'name', 'description'],
  },
  {
    noun: 'service',
    verb: 'show',
    help: 'one, with its warnings',
    method: 'GET',
    path: '/service-accounts/:id',
  },
  {
    noun: 'service',
    verb: 'delete',
    help: 'removes it and revokes its keys',
    method: 'DELETE',
    path: '/service-accounts/:id',
  },
  {
    noun: 'key',
    verb: 'list',
    help: 'the keys of a Service Account',
    method: 'GET',
    path: '/service-accounts/:id/keys',
    fields: paging,
    columns: ['id', 'name', 'state', 'expires_at', 'last_used_at', 'live_instances'],
  },
  {
    noun: 'key',
    verb: 'rename',
    help: 'while it is active',
    method: 'PATCH',
    path: '/service-keys/:id',
    fields: [{ flag: 'name', help: 'its new name', required: true }],
  },
  {
    noun: 'key',
    verb: 'revoke',
    help: 'ends it for good; prints who confirmed',
    method: 'POST',
    path: '/service-keys/:id/revoke',
  },
  {
    noun: 'key',
    verb: 'delete',
    help: 'removes a revoked or expired key',
    method: 'DELETE',
    path: '/service-keys/:id',
  },
  {
    noun: 'grant',
    verb: 'create',
    help: 'lets a Service Account reach a Resource',
    method: 'POST',
    path: '/grants',
    fields: [
      { flag: 'service-account-id', help: 'svc_…', required: true },
      { flag: 'resource-id', help: 'res_…', required: true },
      { flag: 'expires-at', help: 'RFC 3339 time' },
    ],
  },
  {
    noun: 'grant',
    verb: 'list',
    help: 'who may reach what',
    method: 'GET',
    path: '/grants',
    fields: paging,
    columns: ['id', 'service_account_id', 'resource_id', 'expires_at'],
  },
  { noun: 'grant', verb: 'delete', help: 'takes it back', method: 'DELETE', path: '/grants/:id' },
  {
    noun: 'events',
    verb: 'list',
    help: 'what happened to flows, newest first',
    method: 'GET',
    path: '/events',
    fields: [
      ...['resource', 'principal', 'key', 'connector', 'connection', 'kind', 'code'].map((flag) => ({
        flag,
        help: `only of this ${flag}`,
      })),
      ...since,
      ...paging,
    ],
    columns: ['at', 'kind', 'code', 'principal', 'host', 'port', 'path', 'bytes_up', 'bytes_down'],
  },
  {
    noun: 'audit',
    verb: 'list',
    help: 'what administrators changed, newest first',
    method: 'GET',
    path: '/audit',
    fields: [...since, ...paging],
    columns: ['at', 'actor', 'action', 'target_kind', 'target_id'],
  },
];
