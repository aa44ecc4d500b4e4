/**
 * Lists that come in pages: `usePages` asks for the first and, by `more`, for the next, and hands out the
 * rows of all of them as one.
 */
import { keepPreviousData, type QueryKey, useInfiniteQuery } from '@tanstack/react-query';

interface Answer<Row> {
  items: Row[];
  next_cursor: string | null;
}

export interface Pages<Row> {
  rows: Row[] | undefined;
  error: unknown;
  /** Asks for the next page; undefined where there is none. */
  more: (() => void) | undefined;
  loadingMore: boolean;
  /** Rows of another search are shown while these come. */
  stale: boolean;
}

/**
 * @param key as of any query: with everything that the answer depends on.
 * @param options.refreshMs asks again this often while the page is looked at.
 */
export function usePages<Row>(
  key: QueryKey,
  ask: (cursor: string | undefined) => Promise<Answer<Row>>,
  options: { refreshMs?: number; enabled?: boolean } = {},
): Pages<Row> {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => ask(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    enabled: options.enabled ?? true,
    ...(options.refreshMs !== undefined && { refetchInterval: options.refreshMs }),
  });
  return {
    rows: query.data?.pages.flatMap(({ items }) => items),
    error: query.error,
    more: query.hasNextPage ? () => void query.fetchNextPage() : undefined,
    loadingMore: query.isFetchingNextPage,
    stale: query.isPlaceholderData,
  };
}
