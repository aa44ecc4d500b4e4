/** POST /console-sessions/{id}/revoke: the browser that holds it is logged out. One's own, whatever one's role. */
import { eq } from 'drizzle-orm';
import { consoleSessions } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal } from '../../fields.ts';
import { mayEnd } from '../../people/may-end.ts';
import { consoleSession, show } from './shape.ts';

export const revokeConsoleSession = adminRoute(
  {
    method: 'post',
    path: '/console-sessions/{id}/revoke',
    tag: 'People',
    summary: 'End a session in the console',
    description: 'One’s own; those of others need the scope sessions:write.',
    params: idPath,
    answer: consoleSession,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope, now, session } = ask;
    const row = await scope.byId(consoleSessions, ask.params.id);
    const refused = mayEnd(ask, row);
    if (refused) return refused;
    if (!row) return absent('console session', ask.params.id);
    const before = show(row, now, session?.id);
    if (before.state !== 'active') return illegal('console session', before.state, []);
    const shown = show({ ...row, revokedAt: now }, now, session?.id);
    return new Change(ask)
      .write(scope.update(consoleSessions, { revokedAt: now }, eq(consoleSessions.id, row.id)))
      .audit('revoke', 'consoleSession', row.id, { before, after: shown })
      .commit({ body: shown });
  },
);
