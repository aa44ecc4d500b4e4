/**
 * What an agent is given when it has logged in: an access token for each, ACLs and connection tokens for a
 * Client, a registration for a Connector. Comes after `assertion.ts` settled who it is.
 */
import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import type { TokenAnswer } from '#schema/control/login.ts';
import { instances, relays, serviceKeys } from '#schema/db/tables.ts';
import { type Id, mintId, timeOrdered } from '#schema/ids.ts';
import { tokenKinds } from '#schema/token/kinds.ts';
import type { Ports } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import type { Credential } from './assertion.ts';
import { compileForPrincipal, relayList } from './compile-acl.ts';
import {
  issueAccessToken,
  issueClientAcl,
  issueConnectionToken,
  issueRegistration,
  lifeLeft,
  type Signer,
  signerOf,
} from './issue.ts';
import { type Configuration, readConfiguration } from './read-configuration.ts';

/** What the agent tells of itself. */
export interface About {
  hostname: string | null;
  version: string | null;
  address: string | null;
}

/** Connection tokens given ahead of need. */
const aheadOfNeed = 32;

type Of<R extends Credential['role']> = Extract<Credential, { role: R }>;

export async function relayAnswer(ports: Ports, { row }: Of<'relay'>, jkt: string): Promise<TokenAnswer> {
  const signer = await signerOf(ports, undefined);
  const listed = await ports.database
    .select()
    .from(relays)
    .where(and(isNotNull(relays.enrolledAt), isNull(relays.revokedAt)));
  return {
    ...(await answerFor(ports, signer, { role: 'relay', sub: row.id, clientId: row.id, jkt })),
    relays: relayList({ relays: listed }, ports.settings),
  };
}

export async function connectorAnswer(
  ports: Ports,
  { tenant, row }: Of<'connector'>,
  jkt: string,
): Promise<TokenAnswer> {
  const [signer, configuration] = await Promise.all([signerOf(ports, tenant), read(ports, tenant.id, {})]);
  const hash = row.hash!;
  return {
    ...(await answerFor(ports, signer, { role: 'connector', sub: row.id, clientId: row.id, jkt })),
    relays: relayList(configuration, ports.settings),
    connector: {
      hash,
      network: row.remoteNetworkId,
      registration: await issueRegistration(signer, hash, jkt),
    },
  };
}

export async function clientAnswer(
  ports: Ports,
  { tenant, row }: Of<'client'>,
  jkt: string,
  about: About,
): Promise<TokenAnswer | 'instance_revoked'> {
  const instance = await noteInstance(ports, tenant.id, row, jkt, about);
  if (!instance) return 'instance_revoked';
  const principal = row.serviceAccountId;
  const [signer, configuration] = await Promise.all([
    signerOf(ports, tenant),
    read(ports, tenant.id, { principals: [principal] }),
  ]);
  const until = row.expiresAt === null ? undefined : Math.floor(row.expiresAt / 1000);
  const version = configuration.tenant.configVersion;
  const views = Object.entries(compileForPrincipal(configuration, principal, ports.settings));
  const bound = { principal, key: row.id, instance, jkt, version, until };
  const networks = await Promise.all(
    views.map(async ([network, { resources, connectors }]) => {
      const acl = await issueClientAcl(signer, { ...bound, network, resources });
      return [network, { acl, connectors }] as const;
    }),
  );
  const hashes = views
    .flatMap(([, { connectors }]) => connectors.map(({ hash }) => hash))
    .slice(0, aheadOfNeed);
  const agent = { role: 'client', sub: principal, clientId: row.id, instance, jkt, until } as const;
  return {
    ...(await answerFor(ports, signer, agent)),
    relays: relayList(configuration, ports.settings),
    client: {
      instance,
      service_account: principal,
      key: row.id,
      key_expires_at: row.expiresAt === null ? null : new Date(row.expiresAt).toISOString(),
      acl_version: version,
      networks: Object.fromEntries(networks),
      connections: await connectionTokens(signer, hashes, jkt),
    },
  };
}

export async function connectionTokens(
  signer: Signer,
  hashes: readonly string[],
  jkt: string,
): Promise<Record<string, string>> {
  const tokens = hashes.map(async (hash) => [hash, await issueConnectionToken(signer, hash, jkt)] as const);
  return Object.fromEntries(await Promise.all(tokens));
}

async function answerFor(ports: Ports, signer: Signer, agent: Parameters<typeof issueAccessToken>[1]) {
  return {
    access_token: await issueAccessToken(signer, agent),
    token_type: 'DPoP' as const,
    expires_in: lifeLeft(signer, tokenKinds.access.lifetime, agent.until),
    now: ports.clock(),
  };
}

async function read(
  ports: Ports,
  tenant: Id<'tenant'>,
  wanted: { principals?: string[] },
): Promise<Configuration> {
  const configuration = await readConfiguration(ports.database, tenant, wanted, ports.clock());
  if (!configuration) throw new Error('the Tenant vanished during a login');
  return configuration;
}

/** The same running Client keeps its id when it logs in again. @returns undefined when it was revoked. */
async function noteInstance(
  ports: Ports,
  tenant: Id<'tenant'>,
  key: Of<'client'>['row'],
  jkt: string,
  { hostname, version, address }: About,
): Promise<Id<'instance'> | undefined> {
  const scope = scopeOf(ports.database, tenant);
  const now = ports.clock();
  const used = scope.update(serviceKeys, { lastUsedAt: now }, eq(serviceKeys.id, key.id));
  const known = await scope.find(instances, and(eq(instances.jkt, jkt), eq(instances.keyId, key.id))!);
  if (known) {
    if (known.revokedAt !== null) return undefined;
    await used;
    return known.id;
  }
  const id = mintId('instance', timeOrdered(now, ports.random(16)));
  const row = { id, principalId: key.serviceAccountId, keyId: key.id, jkt, startedAt: now };
  const seen = { hostname, version, publicAddress: address };
  await scope.batch([used, scope.insert(instances, { ...row, ...seen })]);
  return id;
}
