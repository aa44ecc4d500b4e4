/**
 * What a person's Client redeems for a session: made when it asks (`authorize.ts`, `device.ts`), approved by
 * whoever logs in, good once and only with the key of the device that asked.
 */
import { and, eq, gt, isNull } from 'drizzle-orm';
import { loginCodes, policies, userSessions, users } from '#schema/db/tables.ts';
import { type Refusal, refuse, type Verdict } from '#schema/errors.ts';
import { openRules } from '#schema/policy/rules.ts';
import { Change, type ChangeOrigin, mint } from '../change.ts';
import type { Row, Scope } from '../scope.ts';
import type { Finished } from './finish-login.ts';

type Code = Row<typeof loginCodes>;
export type Redeemed = { session: Row<typeof userSessions>; user: Row<typeof users> };

/** Milliseconds: for the login itself; from the approval to the Client's asking. */
export const loginMs = 600_000;
const redeemMs = 60_000;

/** @returns undefined when it is none, has run out, or is settled already. */
export const openCode = (
  scope: Scope,
  where: ReturnType<typeof eq>,
  now: number,
): Promise<Code | undefined> =>
  scope.find(
    loginCodes,
    and(where, isNull(loginCodes.userId), isNull(loginCodes.deniedAt), gt(loginCodes.expiresAt, now))!,
  );

/** @param hash of what the Client will show, where that is new. @returns whether it was open still. */
export async function approve(
  { scope, now }: Pick<ChangeOrigin, 'scope' | 'now'>,
  code: Code,
  { user, authentication }: Pick<Finished, 'user' | 'authentication'>,
  hash = code.hash,
): Promise<boolean> {
  const open = and(eq(loginCodes.hash, code.hash), isNull(loginCodes.userId), isNull(loginCodes.deniedAt))!;
  const expiresAt = code.kind === 'redirect' ? now + redeemMs : Math.max(code.expiresAt, now + redeemMs);
  const settled = { hash, userId: user.id, authentication, expiresAt };
  return (await scope.update(loginCodes, settled, open).returning({ hash: loginCodes.hash })).length === 1;
}

/** Whose it is must have been checked: that the device's key is the one that asked. */
export async function redeemCode(
  at: Omit<ChangeOrigin, 'actor'>,
  code: Code,
  publicJwk: Row<typeof userSessions>['publicJwk'],
): Promise<Verdict<Redeemed>> {
  const { scope, now } = at;
  const used = await scope
    .update(loginCodes, { usedAt: now }, and(eq(loginCodes.hash, code.hash), isNull(loginCodes.usedAt))!)
    .returning({ hash: loginCodes.hash });
  if (used.length !== 1 || code.userId === null || code.authentication === null) return notValid;
  const user = await scope.byId(users, code.userId);
  if (!user?.active) return refuse('user_inactive');
  const session: Row<typeof userSessions> = {
    tenantId: scope.tenantId,
    id: mint(at, 'userSession'),
    userId: user.id,
    publicJwk,
    authentication: code.authentication,
    hostname: code.hostname,
    platform: code.platform,
    version: code.version,
    address: code.address,
    createdAt: now,
    expiresAt: now + (await longestSession(scope)),
    lastUsedAt: null,
    revokedAt: null,
  };
  const { hostname, platform, version } = session;
  const made = await new Change({ ...at, actor: user.id })
    .write(scope.insert(userSessions, session))
    .audit('create', 'userSession', session.id, { after: { user_id: user.id, hostname, platform, version } })
    .commit({ body: undefined });
  return made.ok ? { ok: true, session, user } : made;
}

export const notValid: Refusal = refuse('login_expired', 'the code is not valid, or no longer');

/** No policy lets a session live longer; each ends earlier, for its own Resources, by itself. */
async function longestSession(scope: Scope): Promise<number> {
  const rules = (await scope.select(policies)).map(({ rules }) => rules.session_seconds);
  return Math.max(openRules.session_seconds, ...rules) * 1000;
}
