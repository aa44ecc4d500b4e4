/**
 * The Tenant's signing keys as its Controller publishes them (`schema/control/login.ts`), fetched anew for a
 * `kid` that is not among them. Every token that an agent is given is verified with these.
 */
import { createRemoteJWKSet, customFetch, type RemoteJWKSetOptions } from 'jose';
import { paths } from '#schema/control/login.ts';
import { exchange } from './exchange.ts';
import type { Outward } from './outward.ts';

export type TenantKeys = ReturnType<typeof createRemoteJWKSet>;

const answerLimit = 1024 * 1024;
const timeoutMs = 10_000;
/** Milliseconds between two look-ups for unknown keys: whoever sends tokens must not make us flood the Controller. */
const cooldownDuration = 2_000;

/** @param url of the Controller, without a final slash. */
export function tenantKeys(
  url: string,
  { outward, ...options }: Pick<RemoteJWKSetOptions, 'cacheMaxAge'> & { outward?: Outward | undefined } = {},
): TenantKeys {
  return createRemoteJWKSet(new URL(url + paths.jwks), {
    ...options,
    ...{ timeoutDuration: timeoutMs, cooldownDuration },
    async [customFetch](at, { headers, method, signal }) {
      const { status, text } = await exchange(at, {
        ...{ method, signal, timeoutMs, limit: answerLimit, outward },
        headers: Object.fromEntries(headers),
      });
      // As much of a Response as is looked at.
      return { status, json: async () => JSON.parse(text) } as Response;
    },
  });
}
