/**
 * `Idempotency-Key` on POST (draft-ietf-httpapi-idempotency-key-header): the first request claims the key,
 * its answer is kept in the same batch as what it changed, and a repetition gets that answer again. Answers
 * may hold secrets that are shown once, so they are kept encrypted under a key that only the caller's own
 * API token or cookie yields: the Controller, which has its hash alone, cannot read them.
 */
import { and, eq, isNull, lt, or } from 'drizzle-orm';
import { idempotencyKeys } from '#schema/db/tables.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Administrator } from './authenticate.ts';
import type { Ports } from './ports.ts';
import type { Scope, Statement } from './scope.ts';
import { base64url, fromBase64url, hashOf } from './secret.ts';

/** Milliseconds that an answer is kept. */
export const answerLifetime = 24 * 3_600_000;
/** Milliseconds after which a claim without an answer is taken to be from a request that died. */
const claimLifetime = 60_000;

export interface Claim {
  /** Goes into the batch of the change itself. (In an array: a statement by itself would run when awaited.) */
  store(answer: { status?: number; body: unknown }): Promise<[Statement]>;
  /** Nothing was changed: the key is free again. */
  release(): Promise<void>;
}

export interface StoredAnswer {
  status: number;
  body: unknown;
}

export async function claimKey(
  { ports, scope, caller }: { ports: Ports; scope: Scope; caller: Administrator },
  idempotencyKey: string,
  request: { text: string /** Status of the answer unless it says otherwise. */; status: number },
): Promise<Verdict<{ claim: Claim } | { replay: StoredAnswer }>> {
  const now = ports.clock();
  // Keys of two tokens never meet: a token could not decrypt the other’s answer anyway.
  const key = `${caller.id}:${idempotencyKey}`;
  const row = eq(idempotencyKeys.key, key);
  const fresh = { request: await hashOf(request.text), status: null, body: null, createdAt: now };

  const claim: Claim = {
    async store({ status = request.status, body }) {
      const sealed = await seal(ports, caller, key, JSON.stringify(body));
      return [scope.update(idempotencyKeys, { status, body: sealed }, row)];
    },
    async release() {
      await scope.delete(idempotencyKeys, and(row, isNull(idempotencyKeys.status))!);
    },
  };

  const inserted = await scope
    .insert(idempotencyKeys, { key, ...fresh })
    .onConflictDoNothing()
    .returning();
  if (inserted.length === 1) return { ok: true, claim };

  const dead = or(
    lt(idempotencyKeys.createdAt, now - answerLifetime),
    and(isNull(idempotencyKeys.status), lt(idempotencyKeys.createdAt, now - claimLifetime)),
  );
  const taken = await scope.update(idempotencyKeys, fresh, and(row, dead)!).returning();
  if (taken.length === 1) return { ok: true, claim };

  const kept = await scope.find(idempotencyKeys, row);
  if (kept && kept.request !== fresh.request) return refuse('idempotency_conflict');
  if (!kept || kept.status === null || kept.body === null) return refuse('idempotency_in_progress');
  const body = await unseal(caller, key, kept.body).catch(() => undefined);
  // The cookie under which it was kept has been replaced since.
  if (body === undefined) return refuse('idempotency_conflict', 'the first answer can no longer be read');
  return { ok: true, replay: { status: kept.status, body: JSON.parse(body) } };
}

async function seal(
  { random }: Pick<Ports, 'random'>,
  caller: Pick<Administrator, 'secret'>,
  key: string,
  text: string,
): Promise<string> {
  const iv = random(12);
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv },
    await cipherKey(caller, key),
    new TextEncoder().encode(text),
  );
  return `${base64url(iv)}.${base64url(new Uint8Array(sealed))}`;
}

async function unseal(caller: Pick<Administrator, 'secret'>, key: string, sealed: string): Promise<string> {
  const [iv, body] = sealed.split('.').map(fromBase64url);
  const plain = await crypto.subtle.decrypt(
    { name: 'AES-GCM', iv: iv! },
    await cipherKey(caller, key),
    body!,
  );
  return new TextDecoder().decode(plain);
}

/** RFC 5869: the token has 256 bits, so no slow derivation is needed. */
async function cipherKey({ secret }: Pick<Administrator, 'secret'>, key: string): Promise<CryptoKey> {
  const text = new TextEncoder();
  const base = await crypto.subtle.importKey('raw', text.encode(secret), 'HKDF', false, ['deriveKey']);
  return crypto.subtle.deriveKey(
    {
      name: 'HKDF',
      hash: 'SHA-256',
      salt: new Uint8Array(),
      info: text.encode(`sallyport idempotency ${key}`),
    },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}
