/**
 * Everything that the Controller signs for agents, each kind of token by one function. What goes into the
 * ACLs was decided by `compile-acl.ts`; here it is bound to a key, given its times and signed.
 */
import type { AclEntry, GrantedResource } from '#schema/acl/document.ts';
import type { Id } from '#schema/ids.ts';
import { relayAudience, renewAfter, tokenKinds } from '#schema/token/kinds.ts';
import { signToken } from '#schema/token/sign.ts';
import type { Tenant } from '../context.ts';
import type { Ports } from '../ports.ts';
import { base64url } from '../secret.ts';
import { tenantUrl } from '../tenant.ts';
import { keyRingOf } from './signing-keys.ts';

/** Who signs, and when. Good for one piece of work, not to be kept. */
export interface Signer {
  /** The Tenant's URL, or the deployment's. */
  issuer: string;
  key: { kid: string; privateKey: CryptoKey };
  /** Seconds since the epoch. */
  now: number;
  /** Seconds that no token outlives. */
  longest: number;
  random: Ports['random'];
}

/** @param tenant absent: the deployment itself, for relays. */
export async function signerOf(
  ports: Ports,
  tenant: Pick<Tenant, 'id' | 'slug' | 'hostname'> | undefined,
): Promise<Signer> {
  const { active } = await keyRingOf(ports, tenant?.id ?? 'deployment');
  return {
    issuer: tenant ? tenantUrl(ports.settings, tenant) : ports.settings.baseUrl,
    key: active,
    now: Math.floor(ports.clock() / 1000),
    longest: ports.settings.longestTokenLife,
    random: ports.random,
  };
}

export function issueAccessToken(
  s: Signer,
  agent: {
    role: 'client' | 'connector' | 'relay';
    sub: string;
    /** The Service Key, or again the agent. */
    clientId: string;
    instance?: string;
    jkt: string;
    /** Seconds since the epoch: when the credential itself ends. */
    until?: number | undefined;
  },
): Promise<string> {
  const { role, sub, clientId, instance, jkt, until } = agent;
  const claims = {
    ...times(s, tokenKinds.access.lifetime, until),
    aud: s.issuer,
    sub,
    client_id: clientId,
    ...(instance !== undefined && { instance }),
    role,
    cnf: { jkt },
    jti: jtiOf(s),
  };
  return signToken('access', claims, s.key);
}

/** For one instance in one Remote Network. */
export function issueClientAcl(
  s: Signer,
  acl: {
    principal: string;
    key: string;
    instance: string;
    jkt: string;
    network: string;
    version: number;
    resources: GrantedResource[];
    until?: number | undefined;
  },
): Promise<string> {
  const { principal, key, instance, jkt, network, version, resources, until } = acl;
  const life = times(s, tokenKinds.clientAcl.lifetime, until);
  const claims = { ...life, rnw: renewalOf(life), aud: network, sub: principal, key, instance, cnf: { jkt } };
  return signToken('clientAcl', { ...claims, acl: { network, version, resources } }, s.key);
}

/** A snapshot, or with `base` the difference to that version. */
export function issueConnectorAcl(
  s: Signer,
  acl: {
    connector: Id<'connector'>;
    hash: string;
    stale: number;
    base?: number;
    version: number;
    set: Record<string, AclEntry>;
    unset: string[];
  },
): Promise<string> {
  const { connector, hash, ...body } = acl;
  const life = times(s, tokenKinds.connectorAcl.lifetime);
  return signToken(
    'connectorAcl',
    { ...life, rnw: renewalOf(life), aud: hash, sub: connector, ...body },
    s.key,
  );
}

/** Names neither principal nor Resource: a relay reads it. */
export function issueConnectionToken(s: Signer, connectorHash: string, jkt: string): Promise<string> {
  const life = times(s, tokenKinds.connection.lifetime);
  return signToken('connection', { ...life, aud: connectorHash, cnf: { jkt }, jti: jtiOf(s) }, s.key);
}

export function issueRegistration(s: Signer, connectorHash: string, jkt: string): Promise<string> {
  const life = times(s, tokenKinds.registration.lifetime);
  const claims = { ...life, aud: relayAudience, sub: connectorHash, cnf: { jkt }, jti: jtiOf(s) };
  return signToken('registration', claims, s.key);
}

/** Seconds that a token of this life may still be used, for `expires_in`. */
export const lifeLeft = (s: Signer, lifetime: number, until?: number): number =>
  Math.max(0, Math.min(lifetime, s.longest, (until ?? Number.POSITIVE_INFINITY) - s.now));

const times = (s: Signer, lifetime: number, until?: number) => ({
  iss: s.issuer,
  iat: s.now,
  exp: s.now + lifeLeft(s, lifetime, until),
});

const renewalOf = ({ iat, exp }: { iat: number; exp: number }): number =>
  Math.floor(iat + (exp - iat) * renewAfter);

const jtiOf = (s: Signer): string => base64url(s.random(16));
