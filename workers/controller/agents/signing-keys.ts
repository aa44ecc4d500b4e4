/**
 * The keys that sign what the Controller issues. A Tenant has one `active` key, a `next` one that is already
 * published but signs nothing yet, and `retired` ones that still verify what they signed; so a verifier that
 * keeps the JWKS for a while never meets an unknown `kid`. Private halves lie sealed in the table and, opened,
 * in this isolate's memory for a minute. `issue.ts` signs with what is found here, `jwks.ts` publishes it.
 */
import { asc, eq } from 'drizzle-orm';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importPKCS8 } from 'jose';
import { type PublicJwk, publicJwk } from '#schema/control/login.ts';
import { deploymentKeys, signingKeys } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { algorithm, clockTolerance, tokenKinds } from '#schema/token/kinds.ts';
import type { Ports, Settings } from '../ports.ts';
import { type Statement, scopeOf } from '../scope.ts';

/** Whose keys: a Tenant's, or the deployment's own, which sign for relays. */
export type Owner = Id<'tenant'> | 'deployment';

export interface PublishedKey {
  kid: string;
  state: 'next' | 'active' | 'retired';
  publicJwk: PublicJwk;
  createdAt: number;
  retiredAt: number | null;
}

export interface KeyRing {
  active: { kid: string; privateKey: CryptoKey };
  /** Every key that may verify: next, active and retired. */
  published: PublishedKey[];
}

type StoredKey = PublishedKey & { sealed: string };

/** Milliseconds for which an isolate uses what it has read. */
const keptMs = ({ longestTokenLife }: Settings): number => Math.min(60, longestTokenLife) * 1000;
const keptOwners = 256;
/** A retired key is dropped when nothing that it signed can live any more. */
export function retiredMs(settings: Settings): number {
  const longest = Math.max(...Object.values(tokenKinds).map(({ lifetime }) => lifetime));
  return (Math.min(longest, settings.longestTokenLife) + clockTolerance) * 1000 + keptMs(settings);
}

const kept = new Map<Owner, { ring: Promise<KeyRing>; until: number }>();

/**
 * The keys of a Tenant or of the deployment; made at first use where there are none yet.
 * @param o.fresh reads the table although this isolate has read it a moment ago.
 */
export function keyRingOf(ports: Ports, owner: Owner, o: { fresh?: boolean } = {}): Promise<KeyRing> {
  const now = ports.clock();
  const found = o.fresh ? undefined : kept.get(owner);
  if (found && found.until > now) return found.ring;
  if (kept.size >= keptOwners) kept.delete(kept.keys().next().value!);
  const ring = readRing(ports, owner);
  kept.set(owner, { ring, until: now + keptMs(ports.settings) });
  ring.catch(() => kept.delete(owner));
  return ring;
}

/** Forgets what this isolate keeps, so that the next look sees the table. */
export const forgetKeyRing = (owner: Owner): boolean => kept.delete(owner);

/** The first keys of a new Tenant: one that signs, and the next. */
export async function createSigningKey(ports: Ports, tenantId: Id<'tenant'>): Promise<void> {
  const scope = scopeOf(ports.database, tenantId);
  const [active, next] = await Promise.all([
    makeKey(ports, tenantId, 'active'),
    makeKey(ports, tenantId, 'next'),
  ]);
  await scope.insert(signingKeys, active, next);
  forgetKeyRing(tenantId);
}

/**
 * The next key signs from now on, a new next one is published, and the active one retires; `clean.ts` drops
 * it when nothing that it signed lives any more. An isolate may sign with the old key for another minute.
 * @returns what to write, and how the keys will stand then.
 */
export async function rotation(
  ports: Ports,
  tenantId: Id<'tenant'>,
  published: readonly PublishedKey[],
): Promise<{ statements: Statement[]; after: PublishedKey[] }> {
  const scope = scopeOf(ports.database, tenantId);
  const retiredAt = ports.clock();
  const next = await makeKey(ports, tenantId, 'next');
  const inState = (state: PublishedKey['state']) => eq(signingKeys.state, state);
  const after = published.map((key): PublishedKey => {
    if (key.state === 'active') return { ...key, state: 'retired', retiredAt };
    return key.state === 'next' ? { ...key, state: 'active' } : key;
  });
  return {
    statements: [
      scope.update(signingKeys, { state: 'retired', retiredAt }, inState('active')),
      scope.update(signingKeys, { state: 'active' }, inState('next')),
      scope.insert(signingKeys, next),
    ],
    after: [...after, { ...next, retiredAt: null }],
  };
}

async function readRing(ports: Ports, owner: Owner): Promise<KeyRing> {
  let rows = await readKeys(ports, owner);
  if (!rows.some(({ state }) => state === 'active')) {
    if (owner === 'deployment') await createDeploymentKey(ports);
    else await createSigningKey(ports, owner);
    rows = await readKeys(ports, owner);
  }
  const { kid, sealed } = rows.find(({ state }) => state === 'active')!;
  const pem = new TextDecoder().decode(await ports.vault.open(sealed, contextOf(owner, kid)));
  const published = rows.map(({ sealed: _, ...key }) => key);
  return { active: { kid, privateKey: await importPKCS8(pem, algorithm) }, published };
}

async function readKeys({ database }: Ports, owner: Owner): Promise<StoredKey[]> {
  if (owner !== 'deployment') {
    return scopeOf(database, owner).select(signingKeys, { orderBy: [asc(signingKeys.createdAt)] });
  }
  const rows = await database
    .select()
    .from(deploymentKeys)
    .orderBy(asc(deploymentKeys.createdAt), asc(deploymentKeys.kid));
  return rows.map((row) => ({ ...row, state: 'active', retiredAt: null }));
}

async function createDeploymentKey(ports: Ports): Promise<void> {
  await ports.database.insert(deploymentKeys).values(await makeKey(ports, 'deployment', 'active'));
}

async function makeKey(ports: Ports, owner: Owner, state: 'active' | 'next') {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = publicJwk.parse(await exportJWK(publicKey));
  const kid = await calculateJwkThumbprint(jwk);
  const pem = new Uint8Array(new TextEncoder().encode(await exportPKCS8(privateKey)));
  const sealed = await ports.vault.seal(pem, contextOf(owner, kid));
  return { kid, state, publicJwk: jwk, sealed, createdAt: ports.clock() };
}

const contextOf = (owner: Owner, kid: string): string => `signing-key ${owner} ${kid}`;
