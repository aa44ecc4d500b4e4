/**
 * Stores a batch of events that an agent reports. An event's id is made by its reporter, so storing a batch
 * twice stores it once; the agent repeats a batch until it hears `events_stored`. What the Controller knows
 * better than the agent (who it is, where it stands) is not taken from the agent.
 */
import { sql } from 'drizzle-orm';
import { events } from '#schema/db/tables.ts';
import type { FlowEvent } from '#schema/event/event.ts';
import type { Database, VerifiedAgent } from '#workers/controller/ports.ts';

type Reporter = Exclude<VerifiedAgent, { role: 'relay' }>;

/** Column → field of the JSON that is passed in: one parameter however many events, where D1 allows 100. */
const columns = {
  id: 'id',
  at: 'at',
  kind: 'kind',
  connection: 'connection',
  principal: 'principal',
  key: 'key',
  instance: 'instance',
  client_address: 'client_address',
  resource: 'resource',
  rule: 'rule',
  protocol: 'protocol',
  host: 'host',
  port: 'port',
  resolved: 'resolved',
  network: 'network',
  connector: 'connector',
  relay: 'relay',
  path: 'path',
  bytes_up: 'bytes_up',
  bytes_down: 'bytes_down',
  duration_ms: 'duration_ms',
  code: 'code',
  acl_age: 'acl_age',
  suppressed: 'suppressed',
} as const satisfies Record<string, keyof FlowEvent>;

/** @param nowMs nothing has happened later than this: what says so would be in front of all others for ever. */
export async function storeEvents(
  database: Database,
  reporter: Reporter,
  batch: readonly FlowEvent[],
  nowMs: number,
): Promise<void> {
  const rows = batch
    .filter((event) => mayTell(reporter, event))
    .map((event) => ({
      ...event,
      ...knownOf(reporter),
      at: Math.max(0, Math.min(event.at, nowMs)),
      ...(event.acl_age !== undefined && { acl_age: Math.round(event.acl_age) }),
    }));
  if (rows.length === 0) return;
  const names = sql.raw(
    Object.keys(columns)
      .map((name) => `"${name}"`)
      .join(', '),
  );
  const values = sql.raw(
    Object.values(columns)
      .map((field) => `json_extract(value, '$.${field}')`)
      .join(', '),
  );
  await database.run(
    sql`insert or ignore into ${events} ("tenant_id", "reporter", ${names})
        select ${reporter.tenant}, ${reporter.id}, ${values} from json_each(${JSON.stringify(rows)})`,
  );
}

/** What a Connector let through only a Connector has seen. */
const mayTell = ({ role }: Reporter, { kind }: FlowEvent): boolean =>
  role === 'connector' || kind === 'denied' || kind === 'failed';

function knownOf(reporter: Reporter): { [F in keyof FlowEvent]?: FlowEvent[F] | undefined } {
  if (reporter.role === 'connector') return { connector: reporter.id, network: reporter.network };
  const { principal, key, id: instance } = reporter;
  const nowhere = { connector: undefined, relay: undefined, resolved: undefined, path: 'none' } as const;
  return { principal, key, instance, ...nowhere, bytes_up: 0, bytes_down: 0 };
}
