/**
 * Commands for who may reach what: Service Accounts, their keys, the Clients that run on them, and grants.
 */
import type { Command, Field } from '../command.ts';
import { createKey } from '../key.ts';
import { expiryDays, named, paging, rename, required } from './field.ts';

const service: Field = {
  flag: 'service',
  help: 'the Service Account',
  names: 'service',
  sends: 'service_account_id',
};
const user: Field = { flag: 'user', help: 'the person', names: 'user', sends: 'user_id' };
const group: Field = { flag: 'group', help: 'the group', names: 'group', sends: 'group_id' };
const resource: Field = { flag: 'resource', help: 'the Resource', names: 'resource', sends: 'resource_id' };
const description: Field = { flag: 'description', help: 'what it is for; empty: not said', as: 'clearable' };

const destination: Field[] = [
  {
    flag: 'principal',
    help: 'the Service Account, or the person’s e-mail',
    names: 'principal',
    required: true,
  },
  { flag: 'host', help: 'name or IP address', required: true },
  { flag: 'port', help: '1–65535', as: 'number' },
  { flag: 'protocol', help: 'tcp, udp or icmp (default tcp)' },
];

export const serviceCommands: Command[] = [
  {
    name: 'service create',
    help: 'a Service Account',
    request: 'POST /service-accounts',
    fields: [named, description],
  },
  {
    name: 'service list',
    help: 'the Service Accounts',
    request: 'GET /service-accounts',
    fields: paging,
    columns: ['id', 'name', 'description', 'active_keys', 'resources', 'live_instances'],
  },
  { name: 'service show', help: 'one, with its warnings', request: 'GET /service-accounts/:service' },
  {
    name: 'service update',
    help: 'changes what is given',
    request: 'PATCH /service-accounts/:service',
    fields: [rename, description],
  },
  {
    name: 'service delete',
    help: 'removes one without active keys',
    request: 'DELETE /service-accounts/:service',
  },
  {
    name: 'key create',
    help: 'a Service Key; its private half is made here and never travels',
    request: 'POST /service-accounts/:service/keys',
    fields: [
      named,
      expiryDays,
      { flag: 'out', help: 'file to write, mode 0600 (default: printed)', sends: null },
    ],
    run: createKey,
  },
  {
    name: 'key list',
    help: 'the keys of a Service Account',
    request: 'GET /service-accounts/:service/keys',
    fields: paging,
    columns: ['id', 'name', 'state', 'expires_at', 'last_used_at', 'live_instances'],
  },
  { name: 'key show', help: 'one, and what its state allows', request: 'GET /service-keys/:key' },
  {
    name: 'key rename',
    help: 'while it is active',
    request: 'PATCH /service-keys/:key',
    fields: [required(rename)],
  },
  {
    name: 'key revoke',
    help: 'ends it for good; prints who confirmed',
    request: 'POST /service-keys/:key/revoke',
  },
  { name: 'key delete', help: 'removes a revoked or expired key', request: 'DELETE /service-keys/:key' },
  {
    name: 'instance list',
    help: 'the Clients that run on a key',
    request: 'GET /service-keys/:key/instances',
    fields: [{ flag: 'live', help: 'only those that are connected now', as: 'switch' }, ...paging],
    columns: ['id', 'live', 'hostname', 'version', 'public_address', 'started_at', 'revoked_at'],
  },
  {
    name: 'instance revoke',
    help: 'cuts one Client; its key goes on',
    request: 'POST /instances/:instance/revoke',
  },
  {
    name: 'grant create',
    help: 'lets a Service Account, a person or a group reach a Resource',
    request: 'POST /grants',
    fields: [
      service,
      user,
      group,
      required(resource),
      { flag: 'expires-at', help: 'RFC 3339 time; empty: for good', as: 'clearable' },
    ],
  },
  {
    name: 'grant list',
    help: 'who may reach what',
    request: 'GET /grants',
    fields: [service, user, group, resource, ...paging],
    columns: ['id', 'service_account_id', 'user_id', 'group_id', 'resource_id', 'state', 'expires_at'],
  },
  { name: 'grant show', help: 'one grant', request: 'GET /grants/:grant' },
  { name: 'grant delete', help: 'takes it back and cuts its flows', request: 'DELETE /grants/:grant' },
  {
    name: 'explain',
    help: 'whether a Service Account or person would reach a destination now, and if not, why',
    request: 'GET /explain',
    fields: destination,
  },
  {
    name: 'probe',
    help: 'has the Connectors try what a principal may reach, and tells each hop',
    request: 'POST /explain/probe',
    fields: destination,
  },
];
