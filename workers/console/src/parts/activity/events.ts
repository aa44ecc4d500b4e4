/** Events of flows as the console asks for them: in pages, counted, and as they are stored. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { ActivityFilter } from '../../api/activity-search.ts';
import { api, take } from '../../api/client.ts';
import { type Pages, usePages } from '../../api/pages.ts';
import { tenantBase } from '../../api/place.ts';
import { now } from '../../browser/now.ts';
import { shown } from '../../browser/visible.ts';

/** How far back: what `since` may say besides an instant. */
export const spans = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 } as const;
export const usualSpan = '24h';

/** What `since` means now, to the minute so that the same question is the same for a while. */
export function sinceOf(filter: ActivityFilter): string {
  const since = filter.since ?? usualSpan;
  if (!Object.hasOwn(spans, since)) return since;
  const at = now() - spans[since as keyof typeof spans];
  return new Date(Math.floor(at / 60_000) * 60_000).toISOString();
}

const queryOf = ({ live: _, path, ...filter }: ActivityFilter) => ({
  ...filter,
  ...(path !== undefined && { path: path as 'direct' | 'relay' | 'none' }),
});

const ask = async (filter: ActivityFilter, cursor: string | undefined) => {
  const query = { ...queryOf(filter), since: sinceOf(filter), limit: '50', ...(cursor && { cursor }) };
  const { items, next_cursor, names } = await take(api.events.$get({ query }));
  return { items: withNames(items, names), next_cursor };
};

const withNames = <Item>(items: Item[], names: Record<string, string>) =>
  items.map((item) => ({ ...item, names }));

export type FlowEvent = Awaited<ReturnType<typeof ask>>['items'][number];

/** Pages of events, newest first; while `live`, what is stored meanwhile comes in front by itself. */
export function useEvents(filter: ActivityFilter, live: boolean): Pages<FlowEvent> & { lost: boolean } {
  const pages = usePages(['events', filter], (cursor) => ask(filter, cursor));
  const tail = useTail(filter, live);
  if (pages.rows === undefined || tail.rows.length === 0) return { ...pages, lost: tail.lost };
  const known = new Set(pages.rows.map(({ id }) => id));
  const fresh = tail.rows.filter(({ id }) => !known.has(id));
  const rows = [...fresh, ...pages.rows].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  return { ...pages, rows, lost: tail.lost };
}

/** Events that are kept in front of the first page. */
const mostFresh = 500;
const againMs = 3_000;
/** Between two answers that had something, so that a busy Tenant is not asked without end. */
const restMs = 1_000;

function useTail(filter: ActivityFilter, live: boolean): { rows: FlowEvent[]; lost: boolean } {
  const [state, setState] = useState<{ key: string; rows: FlowEvent[]; lost: boolean }>(nothing);
  const { since: _, until: __, ...rest } = queryOf(filter);
  const key = JSON.stringify(rest);
  useEffect(() => {
    if (!live) return;
    const ended = new AbortController();
    const { signal } = ended;
    const query = JSON.parse(key) as typeof rest;
    const look = async () => {
      let after: string | undefined;
      while (!signal.aborted) {
        await shown(signal);
        try {
          const asked = api.events.tail.$get(
            { query: { ...query, ...(after !== undefined && { after }) } },
            { init: { signal } },
          );
          const answer = await take(asked);
          after = answer.next;
          const fresh = withNames(answer.items, answer.names).toReversed();
          setState((before) => ({
            key,
            rows: [...fresh, ...(before.key === key ? before.rows : [])].slice(0, mostFresh),
            lost: false,
          }));
          if (fresh.length > 0) await pause(restMs, signal);
        } catch {
          if (signal.aborted) return;
          after = undefined;
          setState((before) => ({ ...before, lost: true }));
          await pause(againMs, signal);
        }
      }
    };
    void look();
    return () => ended.abort();
  }, [key, live]);
  return state.key === key ? state : nothing;
}

const nothing = { key: '', rows: [], lost: false };

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        done();
      },
      { once: true },
    );
  });

const count = (filter: ActivityFilter) =>
  take(api.events.histogram.$get({ query: { ...queryOf(filter), since: sinceOf(filter), buckets: '60' } }));
export type Histogram = Awaited<ReturnType<typeof count>>;

export const useHistogram = (filter: ActivityFilter, live: boolean) =>
  useQuery({
    queryKey: ['events', 'histogram', filter],
    queryFn: () => count(filter),
    refetchInterval: live ? 15_000 : false,
    placeholderData: (before) => before,
  });

/** Where the browser downloads what is shown. */
export function exportUrl(filter: ActivityFilter, format: 'csv' | 'json'): string {
  const asked = Object.entries({ ...queryOf(filter), since: sinceOf(filter), format });
  const query = new URLSearchParams(asked.flatMap(([name, value]) => (value ? [[name, value]] : [])));
  return `${tenantBase}/api/v1/events/export?${query}`;
}
