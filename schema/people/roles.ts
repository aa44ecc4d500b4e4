/**
 * What a person may do in the console and by the API: each role is a set of the scopes that API tokens have
 * (`scopes.ts`), so that a route asks one question of both.
 */
import { covers, type ScopeNoun, scopeNouns } from './scopes.ts';

export const roles = ['owner', 'admin', 'devops', 'support', 'auditor'] as const;
export type Role = (typeof roles)[number];

/** Whoever writes these could make themselves anybody. */
const aboutPeople: readonly ScopeNoun[] = [
  'users',
  'groups',
  'policies',
  'idp',
  'scim',
  'sessions',
  'tokens',
  'tenant',
];
const reading = scopeNouns.map((noun) => `${noun}:read`);
const everything = scopeNouns.map((noun) => `${noun}:*`);

/**
 * - owner: everything, and alone makes and unmakes owners;
 * - admin: everything else;
 * - devops: the network, none of the settings of people and identity providers;
 * - support: reads, but neither the audit log nor anything about credentials of the API;
 * - auditor: reads everything, and exports.
 */
export const scopesOf: Readonly<Record<Role, readonly string[]>> = {
  owner: ['*'],
  admin: everything,
  devops: [
    ...reading,
    ...scopeNouns.filter((noun) => !aboutPeople.includes(noun)).map((noun) => `${noun}:write`),
  ],
  support: reading.filter((scope) => !['audit:read', 'tokens:read', 'scim:read', 'idp:read'].includes(scope)),
  auditor: reading,
};

/**
 * Whether whoever holds these scopes may give this role, or take it away: nobody makes somebody who can do
 * more than they can themselves. @param role null: none.
 */
export const mayAppoint = (held: readonly string[], role: Role | null): boolean =>
  role === null || scopesOf[role].every((scope) => covers(held, scope));
