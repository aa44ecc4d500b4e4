/** Who is logged in, and what they may do: asked once, before anything is shown. */
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import { covers, type ScopeName } from '#schema/people/scopes.ts';
import { api, take } from './client.ts';

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: () => take(api.session.$get()),
  staleTime: 60_000,
});

export const useSession = () => useSuspenseQuery(sessionQuery).data;

/** @returns whether the person may: what they may not do is not offered. */
export function useCan(): (needs: ScopeName) => boolean {
  const { scopes } = useSession();
  return (needs) => covers(scopes, needs);
}

/** @returns whether the person may end a session: their own always. */
export function useMayEnd(): (session: { user_id: string }) => boolean {
  const { user } = useSession();
  const can = useCan();
  return ({ user_id: whose }) => can('sessions:write') || whose === user?.id;
}
