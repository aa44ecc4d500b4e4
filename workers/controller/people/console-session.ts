/**
 * A person's session in the console: how it begins after a login (`login-callback.ts`), how a request is
 * recognised by its cookie (`../authenticate.ts`), and how it ends. The cookie's value is replaced now and
 * then, so that one that leaked goes stale; the value before it holds for a moment, for requests on their way.
 */
import { and, eq, or } from 'drizzle-orm';
import type { Authentication } from '#schema/db/people.ts';
import { consoleSessions, users } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { Change, type ChangeOrigin, mint } from '../change.ts';
import type { Tenant } from '../context.ts';
import type { Ports } from '../ports.ts';
import { type Row, scopeOf } from '../scope.ts';
import { hashOf, isSecret, mintSecret, sameText } from '../secret.ts';

/** Milliseconds: without use; in all; between two values of the cookie; for which the value before holds. */
const idleMs = 3_600_000;
const longestMs = 12 * 3_600_000;
const rotateMs = 15 * 60_000;
const overlapMs = 60_000;
/** Last use is written down this often. */
const seenPrecisionMs = 60_000;

export interface Person {
  session: Row<typeof consoleSessions>;
  user: Row<typeof users>;
  /** The cookie's new value, when it is time for one. */
  renewed?: string;
}

/** When it ends unless it is used. */
export const endsAt = ({
  lastSeenAt,
  expiresAt,
}: Pick<Row<typeof consoleSessions>, 'lastSeenAt' | 'expiresAt'>) => Math.min(lastSeenAt + idleMs, expiresAt);

/** Always a new session with a value of its own: one that was there before the login is worth nothing after it. */
export async function beginSession(
  at: Omit<ChangeOrigin, 'actor'>,
  o: { user: Id<'user'>; authentication: Authentication; userAgent: string | null },
): Promise<string> {
  const { ports, scope, now, address } = at;
  const { secret, hash } = await mintSecret(ports, 'spc');
  const id = mint(at, 'consoleSession');
  const userAgent = o.userAgent?.slice(0, 300) ?? null;
  await new Change({ ...at, actor: o.user })
    .write(
      scope.insert(consoleSessions, {
        ...{ id, hash, address, userAgent, userId: o.user, authentication: o.authentication },
        createdAt: now,
        rotatedAt: now,
        lastSeenAt: now,
        expiresAt: now + longestMs,
      }),
    )
    .audit('create', 'consoleSession', id, { after: { user_id: o.user, user_agent: userAgent } })
    .commit({ body: undefined });
  return secret;
}

/** The person logs out. */
export async function endSession(at: Omit<ChangeOrigin, 'actor'>, { session }: Person): Promise<void> {
  const { id, userId } = session;
  await new Change({ ...at, actor: userId })
    .write(at.scope.update(consoleSessions, { revokedAt: at.now }, eq(consoleSessions.id, id)))
    .audit('revoke', 'consoleSession', id, { before: { state: 'active' }, after: { state: 'revoked' } })
    .commit({ body: undefined });
}

/**
 * Whose cookie it is, or why it opens nothing.
 * @param unattended asked by a page that nobody touches: it may see, but it does not keep the session alive.
 */
export async function recognise(
  ports: Ports,
  tenant: Tenant,
  cookie: string,
  unattended = false,
): Promise<Person | 'malformed' | 'unknown' | 'revoked' | 'expired' | 'inactive'> {
  if (!isSecret('spc', cookie)) return 'malformed';
  const now = ports.clock();
  const scope = scopeOf(ports.database, tenant.id);
  const hash = await hashOf(cookie);
  const byHash = or(eq(consoleSessions.hash, hash), eq(consoleSessions.previousHash, hash))!;
  const session = await scope.find(consoleSessions, byHash);
  if (!session) return 'unknown';
  const current = sameText(session.hash, hash);
  if (!current && now - session.rotatedAt > overlapMs) return 'expired';
  if (session.revokedAt !== null) return 'revoked';
  if (endsAt(session) <= now) return 'expired';
  const user = await scope.byId(users, session.userId);
  if (!user?.active) return 'inactive';
  if (current && now - session.rotatedAt > rotateMs) {
    const { secret, hash: next } = await mintSecret(ports, 'spc');
    // Of two requests at once, one renews it; the other's value holds for a moment longer.
    const unrenewed = and(eq(consoleSessions.id, session.id), eq(consoleSessions.hash, hash))!;
    const lastSeenAt = unattended ? session.lastSeenAt : now;
    const renewal = { hash: next, previousHash: hash, rotatedAt: now, lastSeenAt };
    const done = await scope
      .update(consoleSessions, renewal, unrenewed)
      .returning({ id: consoleSessions.id });
    return done.length === 1 ? { session, user, renewed: secret } : { session, user };
  }
  if (!unattended && now - session.lastSeenAt > seenPrecisionMs) {
    const seen = scope.update(consoleSessions, { lastSeenAt: now }, eq(consoleSessions.id, session.id));
    ports.defer(Promise.resolve(seen));
  }
  return { session, user };
}
