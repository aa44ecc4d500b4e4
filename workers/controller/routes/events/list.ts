/** GET /events: what happened to flows, newest first. One `connection` is the same on every component. */
import { z } from '@hono/zod-openapi';
import { and, eq } from 'drizzle-orm';
import { events } from '#schema/db/tables.ts';
import { eventKinds } from '#schema/event/event.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { between, newestPage, pageOf, pageQuery, span } from '../../paginate.ts';
import type { Row } from '../../scope.ts';

const text = z.string().nullable();

const event = z
  .object({
    id: z.string(),
    at: instant,
    kind: z.enum(eventKinds),
    reporter: z
      .string()
      .openapi({ description: 'Who wrote it: a Connector, or an instance for what never left it.' }),
    connection: z.string(),
    principal: text,
    key: text,
    instance: text,
    client_address: text,
    resource: text,
    rule: text,
    protocol: z.string(),
    host: z.string(),
    port: z.number().int().nullable(),
    resolved: text,
    network: text,
    connector: text,
    relay: text,
    path: z.string(),
    bytes_up: z.number().int(),
    bytes_down: z.number().int(),
    duration_ms: z.number().int(),
    code: text,
    acl_age: z.number().nullable(),
    suppressed: z.number().int().openapi({
      description: 'So many more like it came too fast to be written one by one.',
    }),
  })
  .openapi('Event');

const filters = ['resource', 'principal', 'key', 'connector', 'kind', 'code', 'connection'] as const;

export const listEvents = adminRoute(
  {
    method: 'get',
    path: '/events',
    tag: 'Events',
    summary: 'List events of flows',
    needs: 'events:read',
    query: pageQuery.extend({
      resource: z.string().optional(),
      principal: z.string().optional(),
      key: z.string().optional(),
      connector: z.string().optional(),
      kind: z.enum(eventKinds).optional(),
      code: z.string().optional(),
      connection: z.string().optional(),
      ...span,
    }),
    answer: pageOf(event),
  },
  async ({ scope, query }) => {
    const wanted = filters.flatMap((filter) => {
      const value = query[filter];
      return value === undefined ? [] : [eq(events[filter], value)];
    });
    const found = await newestPage(scope, events, query, and(...wanted, ...between(events.at, query)));
    if (!found.ok) return found;
    return answer({ items: found.rows.map(show), next_cursor: found.next_cursor });
  },
);

const show = (row: Row<typeof events>): z.input<typeof event> => ({
  id: row.id,
  at: iso(row.at),
  kind: row.kind as z.input<typeof event>['kind'],
  reporter: row.reporter,
  connection: row.connection,
  principal: row.principal,
  key: row.key,
  instance: row.instance,
  client_address: row.clientAddress,
  resource: row.resource,
  rule: row.rule,
  protocol: row.protocol,
  host: row.host,
  port: row.port,
  resolved: row.resolved,
  network: row.network,
  connector: row.connector,
  relay: row.relay,
  path: row.path,
  bytes_up: row.bytesUp,
  bytes_down: row.bytesDown,
  duration_ms: row.durationMs,
  code: row.code,
  acl_age: row.aclAge,
  suppressed: row.suppressed ?? 0,
});
