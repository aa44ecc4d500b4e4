/**
 * A Controller in real workerd with one Tenant as its agents find it: Remote Network, Resource, Service
 * Account and grant made through the REST API, agents played by `fake/agent.ts`.
 */
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet } from 'jose';
import type { Claims } from '#schema/token/claims.ts';
import type { TokenKindName } from '#schema/token/kinds.ts';
import { verifyToken } from '#schema/token/verify.ts';
import { FakeAgent, type FakeChannel, type KeyPair, makeKeyPair } from '../fake/agent.ts';
import type { Admin } from '../world/admin.ts';
import { Administration } from './administration.ts';

export class TrustWorld {
  readonly administration: Administration;
  readonly admin: Admin;
  readonly tenantId: string;
  /** The Tenant's URL. */
  readonly url: string;
  readonly network: string;
  readonly service: string;
  #names = 0;

  private constructor(
    administration: Administration,
    made: { admin: Admin; id: string; slug: string },
    ids: { network: string; service: string },
  ) {
    this.administration = administration;
    this.admin = made.admin;
    this.tenantId = made.id;
    this.url = `${administration.controller.url}/t/${made.slug}`;
    this.network = ids.network;
    this.service = ids.service;
  }

  static async start(): Promise<TrustWorld> {
    return TrustWorld.in(await Administration.start());
  }

  /** Another Tenant of the same deployment. */
  static async in(administration: Administration): Promise<TrustWorld> {
    const made = await administration.tenant();
    const network = await made.admin.post('/remote-networks', { name: 'office' });
    const service = await made.admin.post('/service-accounts', { name: 'app' });
    return new TrustWorld(administration, made, { network: network.id, service: service.id });
  }

  stop = (): Promise<void> => this.administration.stop();

  name = (): string => `n${++this.#names}`;

  async resource(address: string, network = this.network): Promise<string> {
    return (await this.admin.post('/resources', { name: this.name(), remote_network_id: network, address }))
      .id;
  }

  async grant(resource: string, more: object = {}): Promise<string> {
    const body = { resource_id: resource, service_account_id: this.service, ...more };
    return (await this.admin.post('/grants', body)).id;
  }

  /** A key of which the test holds the private half. */
  async key(more: object = {}): Promise<{ id: string; pair: KeyPair }> {
    const pair = await makeKeyPair();
    const body = { name: this.name(), public_key: pair.publicJwk, ...more };
    return { id: (await this.admin.post(`/service-accounts/${this.service}/keys`, body)).id, pair };
  }

  async client(key?: { id: string; pair: KeyPair }): Promise<FakeAgent> {
    const { id, pair } = key ?? (await this.key());
    return FakeAgent.client(this.url, id, pair);
  }

  async connectorToken(network = this.network): Promise<{ id: string; token: string }> {
    const made = await this.admin.post('/connectors', { name: this.name(), remote_network_id: network });
    return { id: made.id, token: made.enrolment_token };
  }

  async connector(network = this.network): Promise<FakeAgent> {
    return FakeAgent.enrol(this.url, (await this.connectorToken(network)).token);
  }

  async jwks(url = this.url): Promise<JSONWebKeySet> {
    return (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
  }

  /** Verifies as an agent would, with the Tenant's published keys. @throws when it does not hold. */
  async verified<K extends Exclude<TokenKindName, 'proof'>>(
    kind: K,
    token: string,
    o: { audience?: string; jwks?: JSONWebKeySet } = {},
  ): Promise<Claims<K>> {
    const keys = createLocalJWKSet(o.jwks ?? (await this.jwks()));
    const audience = o.audience === undefined ? {} : { audience: o.audience };
    const verdict = await verifyToken(kind, token, {
      keys,
      issuer: this.url,
      nowMs: Date.now(),
      ...audience,
    });
    if (!verdict.ok)
      throw new Error(`${kind}: ${verdict.code} ${verdict.detail} ${JSON.stringify(decodeJwt(token))}`);
    return verdict.claims;
  }

  /** A Connector's channel, greeted; the first ACL is taken. */
  async greetedConnector(agent: FakeAgent, hello: object = {}) {
    const channel = await agent.channel();
    channel.hello(hello);
    await channel.take('welcome');
    return { channel, acl: await this.nextConnectorAcl(channel) };
  }

  /** A Client's channel, greeted with the version of its login; the first answer is taken. */
  async greetedClient(agent: FakeAgent, hello?: object) {
    const channel = await agent.channel();
    channel.hello(hello ?? { acl_version: agent.answer!.client!.acl_version });
    await channel.take('welcome');
    return { channel, acl: await channel.take('client_acl') };
  }

  async nextConnectorAcl(channel: FakeChannel, withinMs?: number): Promise<Claims<'connectorAcl'>> {
    const { token } = await channel.take('connector_acl', withinMs);
    const claims = await this.verified('connectorAcl', token);
    channel.send({ type: 'ack', version: claims.version });
    return claims;
  }
}

/** Polls until the value fits. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  fits: (value: T) => boolean,
  withinMs = 5_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await look();
    if (fits(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`not within ${withinMs} ms: ${what}; last ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
