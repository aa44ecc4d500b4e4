/**
 * Every change that the API offers a Tenant, in an order in which each works: what makes things first, what
 * ends them last. Tests of isolation and of the audit log walk it; a route that is missing here fails them.
 */
import type { Answer } from '../world/admin.ts';

export interface Step {
  method: 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`; braces hold what an earlier step kept. */
  path: string;
  body?: (ids: Ids) => object;
  /** Keeps the id of the answer under this name. */
  keeps?: string;
}
export type Ids = Record<string, string>;

const step = (line: string, body?: (ids: Ids) => object, keeps?: string): Step => {
  const [method, path] = line.split(' ') as [Step['method'], string];
  return { method, path, ...(body && { body }), ...(keeps && { keeps }) };
};
const named = (name: string) => () => ({ name });

export const making: readonly Step[] = [
  step('POST /remote-networks', named('a network'), 'network'),
  step('PATCH /remote-networks/{network}', named('the network')),
  step('POST /connectors', ({ network }) => ({ name: 'con', remote_network_id: network }), 'connector'),
  step('PATCH /connectors/{connector}', named('connector')),
  step('POST /connectors/{connector}/rotate'),
  step('POST /policies', () => ({ name: 'strict', rules: { acr: ['mfa'] } }), 'policy'),
  step('PATCH /policies/{policy}', named('stricter')),
  step(
    'POST /resources',
    ({ network, policy }) => ({
      name: 'db',
      remote_network_id: network,
      address: 'db.internal',
      policy_id: policy,
    }),
    'resource',
  ),
  step('PATCH /resources/{resource}', named('database')),
  step('POST /service-accounts', named('ci'), 'service'),
  step('PATCH /service-accounts/{service}', named('build')),
  step('POST /service-accounts/{service}/keys', named('k'), 'key'),
  step('PATCH /service-keys/{key}', named('key')),
  step('POST /users', () => ({ email: 'pia@acme.example', role: null }), 'user'),
  step('PATCH /users/{user}', named('Pia')),
  step('POST /groups', named('team'), 'group'),
  step('PATCH /groups/{group}', named('the team')),
  step('POST /groups/{group}/members', ({ user }) => ({ user_id: user })),
  step(
    'POST /grants',
    ({ resource, service }) => ({ resource_id: resource, service_account_id: service }),
    'grant',
  ),
  step('POST /api-tokens', () => ({ name: 'reader', scopes: ['networks:read'] }), 'token'),
  step('PATCH /api-tokens/{token}', named('a reader')),
  step('POST /scim-tokens', named('okta'), 'scimToken'),
  step(
    'POST /identity-providers',
    () => ({ name: 'Second', issuer: 'https://id.example', client_id: 'c', client_secret: 'kept to itself' }),
    'provider',
  ),
  // People go on to log in without a choice.
  step('PATCH /identity-providers/{provider}', () => ({ enabled: false })),
  step('PATCH /tenant', named('Renamed')),
  step('POST /signing-keys/rotate'),
];

/** Asks by POST; what it had Connectors do is on record, nothing is changed. */
export const asking: readonly Step[] = [
  step('POST /explain/probe', ({ service }) => ({ principal: service, host: 'db.internal', port: 5432 })),
];

export const ending: readonly Step[] = [
  step('POST /instances/{instance}/revoke'),
  step('POST /user-sessions/{device}/revoke'),
  step('POST /console-sessions/{consoleSession}/revoke'),
  step('DELETE /grants/{grant}'),
  step('DELETE /groups/{group}/members/{user}'),
  step('DELETE /groups/{group}'),
  step('POST /service-keys/{key}/revoke'),
  step('DELETE /service-keys/{key}'),
  step('DELETE /service-accounts/{service}'),
  step('PATCH /users/{user}', () => ({ active: false })),
  step('DELETE /users/{user}'),
  step('DELETE /resources/{resource}'),
  step('DELETE /policies/{policy}'),
  step('POST /connectors/{connector}/revoke'),
  step('DELETE /connectors/{connector}'),
  step('DELETE /remote-networks/{network}'),
  step('POST /api-tokens/{token}/revoke'),
  step('DELETE /api-tokens/{token}'),
  step('POST /scim-tokens/{scimToken}/revoke'),
  step('DELETE /scim-tokens/{scimToken}'),
  step('DELETE /identity-providers/{provider}'),
];

export const pathOf = ({ path }: Pick<Step, 'path'>, ids: Ids): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (ids[name] === undefined) throw new Error(`nothing was made for ${name} of ${path}`);
    return encodeURIComponent(ids[name]);
  });

/** As OpenAPI names it, whatever its parameters are called. */
export const operationOf = (method: string, path: string): string =>
  `${method.toUpperCase()} ${path.replace(/^\/api\/v1/, '').replace(/\{\w+\}/g, '{}')}`;

/** The operations of a Tenant, with the scope that each asks for; null: none. */
export function operationsOf(document: Answer): { method: string; path: string; scope: string | null }[] {
  return Object.entries<Record<string, Answer>>(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { security = [] }]) => {
      const [asked] = security.filter((one: object) => 'apiToken' in one);
      return asked ? [{ method: method.toUpperCase(), path, scope: asked.apiToken[0] ?? null }] : [];
    }),
  );
}
