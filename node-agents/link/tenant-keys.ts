/**
 * The Tenant's signing keys as its Controller publishes them (`schema/control/login.ts`), fetched anew for a
 * `kid` that is not among them. Every token that an agent is given is verified with these. jose's own remote
 * set would do, but makes a `Headers`: that loads Node's whole `fetch`, 13 MiB and a seventh of the time that
 * a Client takes to start.
 */
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import * as errors from 'jose/errors';
import { createLocalJWKSet } from 'jose/jwks/local';
import { paths } from '#schema/control/login.ts';
import { exchange } from './exchange.ts';
import type { Outward } from './outward.ts';

export interface TenantKeys extends JWTVerifyGetKey {
  /** Callers at the same time share one look-up. @throws when there is no answer; the keys held stay. */
  reload(): Promise<void>;
}

export interface TenantKeysOptions {
  /** Monotonic milliseconds. */
  now(): number;
  outward?: Outward | undefined;
  /** Milliseconds after which they are looked up again before they are used, ten minutes unless told. */
  cacheMaxAge?: number;
}

const answerLimit = 1024 * 1024;
const timeoutMs = 10_000;
const defaultMaxAgeMs = 600_000;
/** Milliseconds between two look-ups for unknown keys: whoever sends tokens must not make us flood the Controller. */
const coolDownMs = 2_000;

/** @param url of the Controller, without a final slash. */
export function tenantKeys(
  url: string,
  { now, outward, cacheMaxAge = defaultMaxAgeMs }: TenantKeysOptions,
): TenantKeys {
  let held: JWTVerifyGetKey | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  const age = (): number => now() - fetchedAt;

  const fetchKeys = async (): Promise<void> => {
    held = createLocalJWKSet(await published(url, outward));
    fetchedAt = now();
  };
  const reload = (): Promise<void> => {
    underWay ??= fetchKeys().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  const keyOf: JWTVerifyGetKey = async (header, token) => {
    if (held === undefined || age() >= cacheMaxAge) await reload();
    try {
      return await held!(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || age() < coolDownMs) throw error;
      await reload();
      return held!(header, token);
    }
  };
  return Object.assign(keyOf, { reload });
}

/** @throws also when it is no key set. */
async function published(url: string, outward: Outward | undefined): Promise<JSONWebKeySet> {
  const { status, text } = await exchange(url + paths.jwks, {
    ...{ method: 'GET', timeoutMs, limit: answerLimit, outward },
    headers: { accept: 'application/json, application/jwk-set+json' },
  });
  if (status !== 200) throw new errors.JOSEError(`the Controller answers ${status} where its keys should be`);
  return JSON.parse(text);
}
