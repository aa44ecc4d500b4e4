/**
 * What an API token, or a person by their role (`roles.ts`), may do: `<noun>:read`, `<noun>:write`, `<noun>:*`
 * or `*` for everything. Reading and writing are apart: a token that may write Resources cannot list them
 * unless it says so. The Controller asks before each route; the console asks to show only what will work.
 */

export const scopeNouns = [
  'tenant',
  'networks',
  'connectors',
  'resources',
  'services',
  'grants',
  'probes',
  'users',
  'groups',
  'policies',
  'idp',
  'scim',
  'sessions',
  'events',
  'audit',
  'tokens',
] as const;

export type ScopeNoun = (typeof scopeNouns)[number];
export type ScopeName = `${ScopeNoun}:${'read' | 'write'}`;

/** Every value that a token may be given. */
export const grantableScopes: readonly [string, ...string[]] = [
  '*',
  ...scopeNouns.flatMap((noun) => [`${noun}:*`, `${noun}:read`, `${noun}:write`]),
];

/** @param needed one scope, or a pattern of them: who gives `networks:*` away must hold that or `*`. */
export const covers = (held: readonly string[], needed: string): boolean =>
  held.some(
    (one) => one === '*' || one === needed || (needed !== '*' && one === `${needed.split(':')[0]}:*`),
  );
