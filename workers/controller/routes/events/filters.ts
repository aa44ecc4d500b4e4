/**
 * Which events are asked for: the part of the query that the list, the tail, the histogram and the export of
 * events share. Each filter that could leave few of many rows has an index (`schema/db/tables.ts`).
 */
import { z } from '@hono/zod-openapi';
import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { connectors, events, resources, serviceAccounts, serviceKeys, users } from '#schema/db/tables.ts';
import { eventKinds } from '#schema/event/event.ts';
import { between, span } from '../../paginate.ts';
import type { Scope } from '../../scope.ts';
import { containing, naming } from '../../search.ts';

const id = z.string().max(64).optional();

export const filters = {
  kind: z
    .string()
    .max(64)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(eventKinds)))
    .optional()
    .openapi({ type: 'string', description: 'One kind, or several with commas.', example: 'denied,failed' }),
  resource: id,
  principal: id.openapi({ description: 'The id of a Service Account or a user.' }),
  key: id.openapi({ description: 'The id of a Service Key, or of a person’s login on a device.' }),
  instance: id,
  network: id,
  connector: id,
  connection: id,
  path: z.enum(['direct', 'relay', 'none']).optional(),
  code: z.string().max(64).optional(),
  q: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'In destinations, addresses, and the names of what is involved.' }),
};
const eventQuery = z.object({ ...filters, ...span });
export type EventQuery = z.output<typeof eventQuery>;

const equal = [
  'resource',
  'principal',
  'key',
  'instance',
  'network',
  'connector',
  'connection',
  'path',
  'code',
] as const;

export function matching(scope: Scope, query: EventQuery): SQL | undefined {
  const wanted = equal.flatMap((filter) => {
    const value = query[filter];
    return value === undefined ? [] : [eq(events[filter], value)];
  });
  return and(
    ...wanted,
    query.kind && inArray(events.kind, query.kind),
    query.q ? withText(scope, query.q) : undefined,
    ...between(events.at, query),
  );
}

const withText = (scope: Scope, q: string): SQL | undefined => {
  const text = q.toLowerCase();
  return or(
    // Hosts and addresses are kept in their one canonical text (`schema/name/host.ts`), in lower case.
    sql`instr(${events.host}, ${text}) > 0`,
    sql`instr(${events.resolved}, ${text}) > 0`,
    sql`instr(${events.clientAddress}, ${text}) > 0`,
    named(scope, events.resource, resources, containing(q, resources.name, resources.alias)!),
    named(scope, events.principal, serviceAccounts, containing(q, serviceAccounts.name)!),
    named(scope, events.principal, users, containing(q, users.userName, users.name)!),
    named(scope, events.key, serviceKeys, containing(q, serviceKeys.name)!),
    named(scope, events.connector, connectors, containing(q, connectors.name)!),
  );
};

/** Whether anything bears such a name is asked once; only then is each event looked at for it. */
const named = (scope: Scope, column: SQLiteColumn, table: Parameters<typeof naming>[2], found: SQL): SQL =>
  sql`(exists (select 1 from ${table} where ${and(eq(table.tenantId, scope.tenantId), found)}) and ${naming(scope, column, table, found)})`;
