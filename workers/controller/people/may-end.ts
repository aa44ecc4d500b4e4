/** Who may end a session, in the console or on a device: a person their own, whatever their role; others by scope. */
import { refuse } from '#schema/errors.ts';
import { covers } from '#schema/people/scopes.ts';
import type { Administrator } from '../authenticate.ts';

/** @param row undefined where there is no such session: whoever may not end others' does not learn that. */
export function mayEnd(
  { held, session }: Pick<Administrator, 'held'> & { session: Administrator['session'] },
  row: { userId: string } | undefined,
) {
  if (covers(held, 'sessions:write')) return undefined;
  if (row !== undefined && row.userId === session?.userId) return undefined;
  return refuse('forbidden', 'sessions of others need the scope sessions:write');
}
