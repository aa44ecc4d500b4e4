/** What the page of Recent Activity keeps in its URL: its filters. */
const names = [
  'kind',
  'principal',
  'key',
  'instance',
  'network',
  'resource',
  'connector',
  'path',
  'code',
  'since',
  'until',
  'connection',
  'q',
  /** `off`: what happens meanwhile is not shown by itself. */
  'live',
] as const;

export type ActivityFilter = { [Name in (typeof names)[number]]?: string | undefined };

export function activitySearch(search: Record<string, unknown>): ActivityFilter {
  const filter: ActivityFilter = {};
  for (const name of names) {
    const value = search[name];
    if (typeof value === 'string' && value !== '') filter[name] = value;
  }
  return filter;
}
