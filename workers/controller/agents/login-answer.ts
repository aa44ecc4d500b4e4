/**
 * What an agent is given when it has logged in: an access token for each, ACLs and connection tokens for a
 * Client, a registration for a Connector. Comes after `assertion.ts` settled who it is.
 */
import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import type { TokenAnswer } from '#schema/control/login.ts';
import { instances, relays, serviceKeys, userSessions } from '#schema/db/tables.ts';
import { type Id, mintId, timeOrdered } from '#schema/ids.ts';
import { tokenKinds } from '#schema/token/kinds.ts';
import type { Ports } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import type { Credential } from './assertion.ts';
import { compileForPrincipal, compileForSession, relayList } from './compile-acl.ts';
import {
  issueAccessToken,
  issueClientAcl,
  issueConnectionToken,
  issueRegistration,
  lifeLeft,
  type Signer,
  signerOf,
} from './issue.ts';
import { type Configuration, readConfiguration, type Wanted } from './read-configuration.ts';

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
  credential: Of<'client' | 'person'>,
  jkt: string,
  about: About,
): Promise<TokenAnswer | 'instance_revoked'> {
  const { tenant, row } = credential;
  const principal = principalOf(credential);
  const instance = await noteInstance(ports, credential, jkt, about);
  if (!instance) return 'instance_revoked';
  const [signer, configuration] = await Promise.all([
    signerOf(ports, tenant),
    read(ports, tenant.id, { principals: [principal], keys: [row.id] }),
  ]);
  const until = row.expiresAt === null ? undefined : Math.floor(row.expiresAt / 1000);
  const version = configuration.tenant.configVersion;
  const compiled =
    credential.role === 'client'
      ? compileForPrincipal(configuration, principal, ports.settings)
      : compileForSession(configuration, row.id, ports.settings);
  const views = Object.entries(compiled);
  const bound = { principal, key: row.id, instance, jkt, version, until };
  const networks = await Promise.all(
    views.map(async ([network, { resources, connectors, withheld }]) => {
      const acl = await issueClientAcl(signer, { ...bound, network, resources });
      return [network, { acl, connectors, ...(withheld && { withheld }) }] as const;
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
      principal,
      key: row.id,
      key_expires_at: row.expiresAt === null ? null : new Date(row.expiresAt).toISOString(),
      acl_version: version,
      networks: Object.fromEntries(networks),
      connections: await connectionTokens(signer, hashes, jkt),
    },
  };
}

const principalOf = (credential: Of<'client' | 'person'>) =>
  credential.role === 'client' ? credential.row.serviceAccountId : credential.row.userId;

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

async function read(ports: Ports, tenant: Id<'tenant'>, wanted: Wanted): Promise<Configuration> {
  const configuration = await readConfiguration(ports.database, tenant, wanted, ports.clock());
  if (!configuration) throw new Error('the Tenant vanished during a login');
  return configuration;
}

/** The same running Client keeps its id when it logs in again. @returns undefined when it was revoked. */
async function noteInstance(
  ports: Ports,
  credential: Of<'client' | 'person'>,
  jkt: string,
  about: About,
): Promise<Id<'instance'> | undefined> {
  const { tenant, row } = credential;
  const scope = scopeOf(ports.database, tenant.id);
  const now = ports.clock();
  const used = noteUse(scope, credential, now, about);
  const known = await scope.find(instances, and(eq(instances.jkt, jkt), eq(instances.keyId, row.id))!);
  if (known) {
    if (known.revokedAt !== null) return undefined;
    await used;
    return known.id;
  }
  const id = mintId('instance', timeOrdered(now, ports.random(16)));
  const made = { id, principalId: principalOf(credential), keyId: row.id, jkt, startedAt: now };
  const seen = { hostname: about.hostname, version: about.version, publicAddress: about.address };
  await scope.batch([used, scope.insert(instances, { ...made, ...seen })]);
  return id;
}

/** Of a session also from where and by which version: policies ask for both. */
function noteUse(
  scope: Scope,
  credential: Of<'client' | 'person'>,
  now: number,
  { address, version }: About,
) {
  if (credential.role === 'client')
    return scope.update(serviceKeys, { lastUsedAt: now }, eq(serviceKeys.id, credential.row.id));
  const seen = { lastUsedAt: now, address, version: version ?? credential.row.version };
  return scope.update(userSessions, seen, eq(userSessions.id, credential.row.id));
}
