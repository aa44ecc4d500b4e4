/**
 * The keys of the Tenants whose tokens come by, fetched from `<issuer>/.well-known/jwks.json` and kept. An
 * unknown `kid` means that a key may be new: then they are fetched again, but no more often than the
 * cool-down allows, since anybody can make up a `kid`. For the same reason unknown issuers are remembered
 * as such for a while, and few are asked after at a time. Serves `schema/relay/handshake.ts`.
 */
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import * as jose from 'jose/errors';
import { createLocalJWKSet } from 'jose/jwks/local';
import { paths } from '#schema/control/login.ts';
import { SallyportError } from '#schema/errors.ts';
import type { Issuers } from '#schema/relay/handshake.ts';
import type { Log } from '../process/log.ts';

export interface KeySourceOptions {
  /** URLs below which an issuer must lie; a Tenant with a host name of its own is listed by it. */
  issuers: readonly string[];
  /** Milliseconds, any epoch. */
  now: () => number;
  log: Log;
  fetchText?: (url: string, signal: AbortSignal) => Promise<string>;
}

/** Kept for a minute as the Controller asks; after that used once more while they are fetched, but not for ever. */
const freshMs = 60_000;
const maxAgeMs = 600_000;
const coolDownMs = 2_000;
const timeoutMs = 4_000;
const answerLimit = 64 * 1024;
/** Issuers kept, and fetches at a time. */
const issuerLimit = 10_000;
const fetchLimit = 16;

interface Known {
  keys: JWTVerifyGetKey | null;
  fetchedMs: number;
  pending: Promise<void> | null;
}

export class KeySource implements Issuers {
  readonly #o: KeySourceOptions;
  readonly #known = new Map<string, Known>();
  #fetching = 0;

  constructor(o: KeySourceOptions) {
    this.#o = o;
  }

  allowed(issuer: string): boolean {
    if (!URL.canParse(issuer) || /[?#@\\]|\/\.|%/.test(issuer)) return false;
    return this.#o.issuers.some((base) => issuer === base || issuer.startsWith(`${base}/`));
  }

  /** @throws SallyportError token_invalid for an issuer without keys, controller_unreachable. */
  async keysOf(issuer: string): Promise<JWTVerifyGetKey> {
    const known = await this.#current(issuer, freshMs);
    return async (header, token) => {
      try {
        return await usable(known)(header, token);
      } catch (error) {
        if (!(error instanceof jose.JWKSNoMatchingKey)) throw error;
        return usable(await this.#current(issuer, coolDownMs))(header, token);
      }
    };
  }

  /** @param ageMs greatest age of what is kept; within the cool-down nothing is too old. */
  async #current(issuer: string, ageMs: number): Promise<Known> {
    const known = this.#known.get(issuer) ?? this.#add(issuer);
    const age = this.#o.now() - known.fetchedMs;
    if (age >= (known.keys === null ? Math.min(ageMs, coolDownMs) : ageMs)) {
      known.pending ??= this.#refresh(issuer, known).finally(() => {
        known.pending = null;
      });
      if (known.keys !== null && ageMs === freshMs && age < maxAgeMs) known.pending.catch(() => {});
      else await known.pending;
    }
    return known;
  }

  async #refresh(issuer: string, known: Known): Promise<void> {
    if (this.#fetching >= fetchLimit)
      throw new SallyportError('limit_reached', 'too many keys are being fetched');
    this.#fetching++;
    try {
      const fetchText = this.#o.fetchText ?? fetchBounded;
      const text = await fetchText(issuer + paths.jwks, AbortSignal.timeout(timeoutMs));
      known.keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      known.fetchedMs = this.#o.now();
    } catch (cause) {
      known.fetchedMs = this.#o.now();
      if (cause instanceof UnknownIssuer) {
        known.keys = null;
        return;
      }
      this.#o.log.warn('keys_not_fetched', { issuer, error: cause });
      // What is kept goes on to count while the Controller is away.
      if (known.keys === null) throw new SallyportError('controller_unreachable', undefined, { cause });
    } finally {
      this.#fetching--;
    }
  }

  #add(issuer: string): Known {
    if (this.#known.size >= issuerLimit) {
      // An issuer without keys goes first: it may have been made up.
      const [first] = this.#known.keys();
      const empty = [...this.#known].find(([, { keys, pending }]) => keys === null && pending === null);
      this.#known.delete(empty?.[0] ?? first!);
    }
    const known = { keys: null, fetchedMs: Number.NEGATIVE_INFINITY, pending: null };
    this.#known.set(issuer, known);
    return known;
  }
}

class UnknownIssuer extends Error {}

function usable({ keys }: Known): JWTVerifyGetKey {
  if (keys === null) throw new SallyportError('token_invalid', 'the issuer is not known');
  return keys;
}

async function fetchBounded(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (response.status === 404 || response.status === 410) {
    await response.body?.cancel();
    throw new UnknownIssuer();
  }
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > answerLimit) throw new Error('answered with too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
