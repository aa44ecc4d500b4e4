/**
 * Which user somebody is whom an identity provider vouches for: the one whose subject it is there; else the
 * one that SCIM or an administrator made for that e-mail address; else a new one, where the provider may
 * create users. An e-mail address links once, and only while no other subject of the provider holds the user.
 */
import { and, eq, sql } from 'drizzle-orm';
import { type identityProviders, userIdentities, users } from '#schema/db/tables.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { Change, type ChangeOrigin, mint } from '../change.ts';
import type { Row } from '../scope.ts';
import type { Vouched } from './oidc.ts';

type User = Row<typeof users>;
type At = Pick<ChangeOrigin, 'ports' | 'scope' | 'now' | 'requestId' | 'address'>;

export async function findUser(
  at: At,
  provider: Row<typeof identityProviders>,
  vouched: Vouched,
): Promise<Verdict<{ user: User }>> {
  const { scope, now } = at;
  const { email } = vouched;
  const ofSubject = and(
    eq(userIdentities.identityProviderId, provider.id),
    eq(userIdentities.subject, vouched.subject),
  )!;
  const identity = await scope.find(userIdentities, ofSubject);
  const refusal = notAllowed(provider, vouched);
  if (refusal) return refusal;
  if (identity) {
    const user = await scope.byId(users, identity.userId);
    if (!user?.active) return refuse('user_inactive');
    await scope.update(users, { lastLoginAt: now }, eq(users.id, user.id));
    return { ok: true, user: { ...user, lastLoginAt: now } };
  }
  if (email === undefined) return refuse('user_unknown', 'the identity provider tells no e-mail address');
  const known = await byEmail(at, email);
  if (known && !known.active) return refuse('user_inactive');
  if (known && (await isHeld(at, provider, known))) {
    return refuse('user_unknown', `${email} belongs to another account of ${provider.name}`);
  }
  if (!known && !provider.createsUsers) return refuse('user_unknown', email);
  // Whom an administrator added by address alone gets the name that they have there.
  const user = known
    ? { ...known, name: known.name ?? (known.source === 'scim' ? null : (vouched.name ?? null)) }
    : newUser(at, email, vouched.name);
  const link = { identityProviderId: provider.id, subject: vouched.subject, userId: user.id, createdAt: now };
  // The person is the actor: nobody else had a hand in it.
  const change = new Change({ ...at, actor: user.id });
  if (known) change.write(scope.update(users, { lastLoginAt: now, name: user.name }, eq(users.id, user.id)));
  else {
    change
      .write(scope.insert(users, user))
      .audit('create', 'user', user.id, { after: { user_name: user.userName, source: user.source } });
  }
  const made = await change
    .write(scope.insert(userIdentities, link))
    .audit('link', 'user', user.id, { after: { identity_provider: provider.id, subject: vouched.subject } })
    .commit({ body: undefined });
  return made.ok ? { ok: true, user } : made;
}

function notAllowed({ allowedDomains }: Row<typeof identityProviders>, { email, emailVerified }: Vouched) {
  if (!emailVerified) return refuse('email_unverified', email);
  const domain = email?.slice(email.lastIndexOf('@') + 1) ?? '';
  if (allowedDomains.length === 0 || allowedDomains.includes(domain)) return undefined;
  return refuse('domain_not_allowed', domain === '' ? 'no e-mail address' : domain);
}

/** By user name first: SCIM's `userName` is unique, an e-mail address need not be. */
async function byEmail({ scope }: At, email: string): Promise<User | undefined> {
  const named = await scope.find(users, sql`lower(${users.userName}) = ${email}`);
  if (named) return named;
  const [one, ...others] = await scope.select(users, {
    where: sql`lower(${users.email}) = ${email}`,
    limit: 2,
  });
  return others.length === 0 ? one : undefined;
}

const isHeld = async ({ scope }: At, { id }: Row<typeof identityProviders>, user: User): Promise<boolean> =>
  (await scope.find(
    userIdentities,
    and(eq(userIdentities.identityProviderId, id), eq(userIdentities.userId, user.id))!,
  )) !== undefined;

function newUser(at: At, email: string, name: string | undefined): User {
  return {
    tenantId: at.scope.tenantId,
    id: mint(at, 'user'),
    userName: email,
    email,
    name: name ?? null,
    externalId: null,
    source: 'login',
    role: null,
    active: true,
    attributes: {},
    version: 1,
    createdAt: at.now,
    updatedAt: at.now,
    lastLoginAt: at.now,
  };
}
