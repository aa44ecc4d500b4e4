/** What each role may do. */
import { expect, test } from 'vitest';
import { mayAppoint, type Role, roles, scopesOf } from '#schema/people/roles.ts';
import { covers, scopeNouns } from '#schema/people/scopes.ts';

const may = (role: Role, scope: string) => covers(scopesOf[role], scope);

test('owners and admins may do everything, auditors read everything and write nothing', () => {
  for (const noun of scopeNouns) {
    for (const role of ['owner', 'admin'] as const) expect(may(role, `${noun}:write`)).toBe(true);
    expect(may('auditor', `${noun}:read`)).toBe(true);
    expect(may('auditor', `${noun}:write`)).toBe(false);
  }
});

test('devops changes the network, and nothing by which somebody becomes somebody else', () => {
  for (const noun of ['networks', 'connectors', 'resources', 'grants', 'services'])
    expect(may('devops', `${noun}:write`)).toBe(true);
  for (const noun of ['users', 'groups', 'policies', 'idp', 'scim', 'tokens', 'sessions', 'tenant'])
    expect(may('devops', `${noun}:write`)).toBe(false);
});

test('support reads, but neither the audit log nor anything about credentials of the API', () => {
  expect(scopeNouns.filter((noun) => may('support', `${noun}:write`))).toEqual([]);
  expect(scopeNouns.filter((noun) => !may('support', `${noun}:read`))).toEqual([
    'idp',
    'scim',
    'audit',
    'tokens',
  ]);
});

test('nobody makes or unmakes somebody who can do more than they can: owners alone appoint owners', () => {
  const appointed = (role: Role) => roles.filter((one) => mayAppoint(scopesOf[role], one));
  expect(appointed('owner')).toEqual([...roles]);
  expect(appointed('admin')).toEqual(['admin', 'devops', 'support', 'auditor']);
  expect(mayAppoint(['users:write'], 'auditor')).toBe(false);
  expect(mayAppoint(['users:write'], null)).toBe(true);
});
