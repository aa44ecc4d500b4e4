/** What happened to flows in the last hour: by the minute, by path, and who met whom; and what was denied. */
import { z } from '@hono/zod-openapi';
import { and, gte, inArray, sql } from 'drizzle-orm';
import { events } from '#schema/db/tables.ts';
import type { Ask } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { namesOf } from '../../names.ts';
import { countIn, happened } from '../events/count.ts';

const minute = 60_000;
const minutes = 60;
const mostDenials = 10;
const mostLinks = 500;

const count = z.number().int();

export const traffic = z.object({
  minutes: z.array(
    z.object({ at: instant, established: count, closed: count, denied: count, failed: count }),
  ),
  paths: z.object({ relay: count, direct: count }),
  links: z
    .array(
      z.object({
        instance: z.string().nullable(),
        principal: z.string().nullable(),
        connector: z.string(),
        path: z.string(),
        flows: count,
      }),
    )
    .openapi({ description: 'Which running Client reached which Connector, and how; the busiest first.' }),
  denials: z.object({
    total: count,
    items: z.array(
      z.object({
        code: z.string().nullable(),
        principal: z.string().nullable(),
        principal_name: z.string().nullable(),
        host: z.string(),
        port: count.nullable(),
        count,
        last_at: instant,
      }),
    ),
  }),
});

export async function trafficNow({ scope, now }: Ask): Promise<z.input<typeof traffic>> {
  // Whole minutes, the one that is under way the last.
  const until = (Math.floor(now / minute) + 1) * minute;
  const since = until - minutes * minute;
  const recent = gte(events.at, since);
  const begun = and(recent, inArray(events.kind, ['established']));
  const [perMinute, paths, links, denied] = await Promise.all([
    countIn(scope, {}, { since, until, width: minute }),
    scope.tally(events, { path: events.path }, { flows: sql<number>`count(*)` }, { where: begun }),
    scope.tally(
      events,
      {
        instance: events.instance,
        principal: events.principal,
        connector: events.connector,
        path: events.path,
      },
      { flows: sql<number>`count(*)` },
      { where: begun, orderBy: [sql`count(*) desc`], limit: mostLinks },
    ),
    scope.tally(
      events,
      {
        code: events.code,
        principal: events.principal,
        host: events.host,
        port: sql<number | null>`${events.port}`,
      },
      { count: happened, last: sql<number>`max(${events.at})` },
      {
        where: and(recent, inArray(events.kind, ['denied'])),
        orderBy: [sql`max(${events.at}) desc`],
        limit: mostDenials,
      },
    ),
  ]);
  const by = (path: string) => paths.find((one) => one.path === path)?.flows ?? 0;
  const names = await namesOf(
    scope,
    denied.map(({ principal }) => principal),
  );
  return {
    minutes: perMinute,
    paths: { relay: by('relay'), direct: by('direct') },
    links: links.flatMap(({ instance, principal, connector, path, flows }) =>
      connector === null ? [] : [{ instance, principal, connector, path: path ?? 'none', flows }],
    ),
    denials: {
      total: perMinute.reduce((sum, { denied }) => sum + denied, 0),
      items: denied.map(({ code, principal, host, port, last, count }) => ({
        ...{ code, principal, host: host ?? '', port, count },
        principal_name: (principal && names[principal]) ?? null,
        last_at: iso(last),
      })),
    },
  };
}
