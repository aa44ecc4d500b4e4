/**
 * Which events are asked for: the part of the query that the list, the tail, the histogram and the export of
 * events share. Each filter that could leave few of many rows has an index (`schema/db/tables.ts`).
 */
import { z } from '@hono/zod-openapi';
import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm';
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

const withText = (scope: Scope, q: string): SQL | undefined =>
  or(
    // As one text: of a hundred thousand rows each is looked at once.
    sql`instr(lower(${events.host} || ' ' || coalesce(${events.resolved}, '') || ' ' || coalesce(${events.clientAddress}, '')), ${q.toLowerCase()}) > 0`,
    naming(scope, events.resource, resources, containing(q, resources.name, resources.alias)!),
    naming(scope, events.principal, serviceAccounts, containing(q, serviceAccounts.name)!),
    naming(scope, events.principal, users, containing(q, users.userName, users.name)!),
    naming(scope, events.key, serviceKeys, containing(q, serviceKeys.name)!),
    naming(scope, events.connector, connectors, containing(q, connectors.name)!),
  );
