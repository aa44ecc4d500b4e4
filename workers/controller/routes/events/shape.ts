/** An event of a flow as the API shows it. */
import { z } from '@hono/zod-openapi';
import type { events } from '#schema/db/tables.ts';
import { eventKinds } from '#schema/event/event.ts';
import type { Ask } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { namesOf } from '../../names.ts';
import { relayNames } from '../../relay-names.ts';
import type { Row } from '../../scope.ts';

const text = z.string().nullable();

export const event = z
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

export const names = z
  .record(z.string(), z.string())
  .openapi({ description: 'What the ids in `items` are called now; what was deleted is not among them.' });

export const show = (row: Row<typeof events>): z.input<typeof event> => ({
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

export async function namesIn(
  { scope, ports }: Pick<Ask, 'scope' | 'ports'>,
  rows: readonly Row<typeof events>[],
): Promise<Record<string, string>> {
  const relayIds = new Set(rows.map(({ relay }) => relay).filter((id) => id !== null));
  const [names, relays] = await Promise.all([
    namesOf(
      scope,
      rows.flatMap(({ principal, key, instance, resource, network, connector }) => [
        ...[principal, key, instance, resource, network, connector],
      ]),
    ),
    relayNames(ports, relayIds),
  ]);
  for (const id of relayIds) if (relays.has(id)) names[id] = relays.get(id)!;
  return names;
}
