/**
 * The edge relay on this host: its object with the real clock and randomness, and whose tokens it accepts.
 * It stands beside the Controller, so that a Tenant's keys come from the database and not over the network.
 */
import { createLocalJWKSet, type JWTVerifyGetKey, errors as jose } from 'jose';
import { SallyportError } from '#schema/errors.ts';
import { keyRingOf } from '#workers/controller/agents/signing-keys.ts';
import { tenantByHostname, tenantBySlug } from '#workers/controller/deployment.ts';
import type { Ports } from '#workers/controller/ports.ts';
import { tenantUrl } from '#workers/controller/tenant.ts';
import type { EdgeRelay } from '#workers/relay/door.ts';
import { RelayObject } from '#workers/relay/durable-object.ts';
import type { Bindings } from './bindings.ts';

export class Relay extends RelayObject {
  constructor(state: DurableObjectState, bindings: Bindings) {
    super(state, bindings, {
      clock: () => Date.now(),
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    });
  }
}

export function edgeRelayOf(ports: Ports, bindings: Bindings): EdgeRelay {
  const { baseUrl } = ports.settings;
  const keysOf = async (issuer: string): Promise<JWTVerifyGetKey> => {
    const tenant = await tenantOf(ports, issuer);
    if (!tenant || tenantUrl(ports.settings, tenant) !== issuer) {
      throw new SallyportError('token_invalid', 'the issuer is not known');
    }
    const keys = async (fresh: boolean) => {
      const { published } = await keyRingOf(ports, tenant.id, { fresh });
      return createLocalJWKSet({ keys: published.map(({ kid, publicJwk }) => ({ ...publicJwk, kid })) });
    };
    const kept = await keys(false);
    return async (header, token) => {
      try {
        return await kept(header, token);
      } catch (error) {
        if (!(error instanceof jose.JWKSNoMatchingKey)) throw error;
        return (await keys(true))(header, token);
      }
    };
  };
  return {
    url: baseUrl,
    // A Tenant with a host name of its own issues under that name: only the database knows which there are.
    issuers: {
      allowed: (issuer) =>
        issuer.startsWith(`${baseUrl}/t/`) || (/^https:\/\/[^/?#@]+$/.test(issuer) && URL.canParse(issuer)),
      keysOf,
    },
    objects: bindings.RELAY,
    clock: ports.clock,
    log: ports.log,
  };
}

function tenantOf({ database, settings }: Ports, issuer: string) {
  const prefix = `${settings.baseUrl}/t/`;
  return issuer.startsWith(prefix)
    ? tenantBySlug(database, issuer.slice(prefix.length))
    : tenantByHostname(database, new URL(issuer).hostname);
}
