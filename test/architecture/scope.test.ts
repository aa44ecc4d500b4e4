/**
 * A Tenant's rows are reached through its scope alone: an administrator's route gets no database, and nothing
 * but the scope and the deployment's own questions starts a query on one.
 */
import { expect, test } from 'vitest';
import { productSources } from './sources.ts';

/** The operator's routes, which are about Tenants and relays themselves, and the first run. */
const operators = /^workers\/controller\/routes\/(tenants|relays|setup)\//;

test('no route of a Tenant’s administrators touches the database itself', () => {
  const offenders = productSources()
    .filter(({ path }) => path.startsWith('workers/controller/routes/') && !operators.test(path))
    .filter(({ text }) => /\bdatabase\b/.test(text.replaceAll('scopeOf(at.ports.database, tenantId)', '')))
    .map(({ path }) => path);
  expect(offenders).toEqual([]);
});

test('the operator’s routes ask only through the deployment or a scope', () => {
  const offenders = productSources()
    .filter(({ path }) => operators.test(path))
    .filter(({ text }) =>
      /\bdatabase\b/.test(text.replaceAll(/(?:deploymentOf|scopeOf)\(ports\.database/g, '')),
    )
    .map(({ path }) => path);
  expect(offenders).toEqual([]);
});
