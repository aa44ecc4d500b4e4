/**
 * Commands of the deployment's operator, and what a Tenant sets for itself: its API tokens, its signing keys.
 */
import type { Command, Field } from '../command.ts';
import { expiryDays, named, paging, rename, required } from './field.ts';

const hostname: Field = { flag: 'hostname', help: 'its own host name; empty: none', as: 'clearable' };
const scopes: Field = { flag: 'scopes', help: 'such as networks:read,services:* or *', as: 'list' };
const budgets: Field[] = [
  {
    flag: 'staleness-budget-seconds',
    help: 'how long a Connector goes on without the Controller',
    as: 'number',
  },
  { flag: 'event-retention-days', help: 'how long events are kept', as: 'number' },
];
const tokenColumns = ['id', 'name', 'state', 'scopes', 'expires_at', 'last_used_at'];

export const tenantCommands: Command[] = [
  {
    name: 'tenant create',
    help: 'a new Tenant and its first API token',
    request: 'POST /tenants',
    operator: true,
    fields: [
      { flag: 'slug', help: 'its name in URLs', required: true },
      { flag: 'name', help: 'its name for people' },
      hostname,
      ...budgets,
    ],
  },
  {
    name: 'tenant list',
    help: 'all Tenants of the deployment',
    request: 'GET /tenants',
    operator: true,
    fields: paging,
    columns: ['id', 'slug', 'name', 'url'],
  },
  {
    name: 'tenant set',
    help: 'changes any Tenant, its host name too',
    request: 'PATCH /tenants/:tenant',
    operator: true,
    fields: [rename, hostname, ...budgets],
  },
  {
    name: 'tenant token',
    help: 'a new API token for a Tenant that lost its last one',
    request: 'POST /tenants/:tenant/api-tokens',
    operator: true,
    fields: [rename, required(scopes)],
  },
  { name: 'tenant show', help: 'the Tenant of the API token', request: 'GET /tenant' },
  {
    name: 'tenant update',
    help: 'changes the Tenant of the API token',
    request: 'PATCH /tenant',
    fields: [rename, ...budgets],
  },
  {
    name: 'relay create',
    help: 'a relay and its one-time enrolment token',
    request: 'POST /relays',
    operator: true,
    fields: [
      named,
      { flag: 'url', help: 'where agents reach it', required: true },
      { flag: 'carriers', help: 'raw, websocket or both, the preferred first', as: 'list' },
    ],
  },
  {
    name: 'relay list',
    help: 'the relays of the deployment',
    request: 'GET /relays',
    operator: true,
    fields: paging,
    columns: ['id', 'name', 'url', 'state'],
  },
  {
    name: 'setup-code create',
    help: 'a one-time code with which somebody creates a Tenant at the setup page',
    request: 'POST /setup-codes',
    operator: true,
  },
  { name: 'relay delete', help: 'removes a relay', request: 'DELETE /relays/:relay', operator: true },
  {
    name: 'token create',
    help: 'an API token, shown once; it cannot hold more than the one used',
    request: 'POST /api-tokens',
    fields: [named, required(scopes), expiryDays],
  },
  {
    name: 'token list',
    help: 'the API tokens',
    request: 'GET /api-tokens',
    fields: paging,
    columns: tokenColumns,
  },
  { name: 'token show', help: 'one API token', request: 'GET /api-tokens/:token' },
  {
    name: 'token update',
    help: 'changes its name or scopes',
    request: 'PATCH /api-tokens/:token',
    fields: [rename, scopes],
  },
  { name: 'token revoke', help: 'ends it for good', request: 'POST /api-tokens/:token/revoke' },
  { name: 'token delete', help: 'removes it', request: 'DELETE /api-tokens/:token' },
  {
    name: 'signing-key list',
    help: 'the keys with which the Controller signs for the Tenant',
    request: 'GET /signing-keys',
    columns: ['kid', 'state', 'created_at'],
  },
  { name: 'signing-key rotate', help: 'takes the next one into use', request: 'POST /signing-keys/rotate' },
];
