/** GET /events/histogram: how many events of each kind there were, in equal parts of a span of time. */
import { z } from '@hono/zod-openapi';
import { sql } from 'drizzle-orm';
import { events } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { eventKinds } from '#schema/event/event.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { span } from '../../paginate.ts';
import type { Scope } from '../../scope.ts';
import { type EventQuery, filters, matching } from './filters.ts';

/** Those that were suppressed happened too. */
export const happened = sql<number>`count(*) + coalesce(sum(${events.suppressed}), 0)`;
const usualSpan = 24 * 3_600_000;
const count = z.number().int();

const histogram = z
  .object({
    since: instant,
    until: instant,
    bucket_ms: z.number().int().openapi({ description: 'How long each part is.' }),
    buckets: z.array(
      z.object({ at: instant, established: count, closed: count, denied: count, failed: count }),
    ),
  })
  .openapi('EventHistogram');

export const countEvents = adminRoute(
  {
    method: 'get',
    path: '/events/histogram',
    tag: 'Events',
    summary: 'Count events of flows by time and kind',
    description: 'Of the last 24 hours unless `since` says otherwise. What was suppressed is counted too.',
    needs: 'events:read',
    query: z.object({
      buckets: z.coerce.number().int().min(1).max(500).default(60),
      ...filters,
      ...span,
    }),
    answer: histogram,
  },
  async ({ scope, query, now }) => {
    const until = query.until === undefined ? now : Date.parse(query.until);
    const since = query.since === undefined ? until - usualSpan : Date.parse(query.since);
    if (since >= until) return refuse('bad_request', '`since` is not before `until`');
    const width = Math.ceil((until - since) / query.buckets);
    return answer({
      since: iso(since),
      until: iso(until),
      bucket_ms: width,
      buckets: await countIn(scope, query, { since, until, width }),
    });
  },
);

/** @returns every part, also where nothing happened. */
export async function countIn(
  scope: Scope,
  query: EventQuery,
  { since, until, width }: { since: number; until: number; width: number },
): Promise<z.input<typeof histogram>['buckets']> {
  const bounded = { ...query, since: iso(since), until: iso(until) };
  const found = await scope.tally(
    events,
    { part: sql<number>`cast((${events.at} - ${since}) / ${width} as integer)`, kind: events.kind },
    { amount: happened },
    { where: matching(scope, bounded) },
  );
  const none = Object.fromEntries(eventKinds.map((kind) => [kind, 0])) as Record<
    (typeof eventKinds)[number],
    number
  >;
  const buckets = Array.from({ length: Math.ceil((until - since) / width) }, (_, at) => ({
    at: iso(since + at * width),
    ...none,
  }));
  for (const { part, kind, amount } of found) {
    const bucket = buckets[part];
    if (bucket) bucket[kind as keyof typeof none] = amount;
  }
  return buckets;
}
