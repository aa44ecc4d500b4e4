/**
 * A Connector's inside without Controller and relay: the tests sign the tokens themselves and hand the
 * Connector one end of a real socket, the Client's own tunnel code the other.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createLocalJWKSet } from 'jose';
import { Census, type Gate } from '#node-agents/connector/gate.ts';
import { Memory } from '#node-agents/connector/memory.ts';
import { createRecordResolver } from '#node-agents/connector/record-resolver.ts';
import { createResolver } from '#node-agents/connector/resolve.ts';
import { SharedMatchers } from '#node-agents/connector/shared-matchers.ts';
import { Tunnels } from '#node-agents/connector/tunnels.ts';
import { createIdentity, type Identity } from '#node-agents/link/identity.ts';
import { connectPinned } from '#node-agents/link/pinned-tls.ts';
import { ClientTunnel } from '#node-agents/link/tunnel/client.ts';
import { createLog } from '#node-agents/process/log.ts';
import type { AclEntry, GrantedResource } from '#schema/acl/document.ts';
import { entryKey } from '#schema/acl/document.ts';
import { isStale, type Moment } from '#schema/acl/intersect.ts';
import { ConnectorAcl } from '#schema/acl/state.ts';
import type { FlowEvent } from '#schema/event/event.ts';
import { mintId } from '#schema/ids.ts';
import type { Claims } from '#schema/token/claims.ts';
import { signToken } from '#schema/token/sign.ts';

export const issuer = 'https://controller.test/t/acme';
export const network = 'net_office';
const log = createLog({ level: 'error', write: () => {} });
const bytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
export const connectionId = () => mintId('connection', bytes(16));

export const resource = (
  id: string,
  address: string,
  more: Partial<GrantedResource> = {},
): GrantedResource => ({
  id,
  address,
  tcp: 'all',
  udp: 'none',
  icmp: false,
  ...more,
});

type AclChanges = Partial<Omit<Claims<'clientAcl'>, 'acl'>> & { version?: number; network?: string };

export class Place {
  readonly tenant: Identity;
  readonly stranger: Identity;
  readonly connector: Identity;
  readonly client: Identity;
  readonly gate: Gate;
  readonly tunnels: Tunnels;
  readonly events: Omit<FlowEvent, 'id' | 'at'>[] = [];
  /** Milliseconds by which the Connector's clock is ahead of the real one. */
  aheadMs = 0;
  /** Milliseconds for which the Controller has been silent. */
  silentMs = 0;
  linked = true;
  #version = 7;

  static async open(dns: string[] = []): Promise<Place> {
    const identities = await Promise.all([1, 2, 3, 4].map(() => createIdentity()));
    return new Place(identities as [Identity, Identity, Identity, Identity], dns);
  }

  private constructor(identities: [Identity, Identity, Identity, Identity], dns: string[]) {
    [this.tenant, this.stranger, this.connector, this.client] = identities;
    const acl = new ConnectorAcl();
    this.gate = {
      acl,
      moment: () => this.moment(),
      isStale: () => isStale(acl, this.moment()),
      keys: createLocalJWKSet({ keys: [{ ...this.tenant.publicJwk, kid: 'k1', alg: 'ES256' }] }),
      issuer: () => issuer,
      network: () => network,
      connector: () => 'con_here',
      hash: this.connector.hash,
      matchers: new SharedMatchers(),
      resolver: createResolver(dns),
      records: createRecordResolver(dns, bytes),
      report: { add: (event) => void this.events.push(event) },
      census: new Census(),
      associations: new Census(),
      memory: new Memory(),
      log,
    };
    this.tunnels = new Tunnels(
      this.gate,
      this.connector,
      () => performance.now(),
      () => {},
    );
  }

  moment(): Moment {
    const nowMs = Date.now() + this.aheadMs;
    return { nowMs, heardMs: nowMs - this.silentMs, linked: this.linked };
  }

  /** Brings the Connector ACL as a snapshot, and lets the tunnels know. */
  connectorAcl(entries: AclEntry[], more: { stale?: number } = {}): void {
    const iat = Math.floor(this.moment().nowMs / 1000);
    const applied = this.gate.acl.apply({
      iss: issuer,
      aud: this.connector.hash,
      sub: 'con_here',
      iat,
      exp: iat + 3600,
      rnw: iat + 2400,
      stale: more.stale ?? 900,
      version: this.#version++,
      set: Object.fromEntries(entries.map((entry) => [entryKey(entry), entry])),
      unset: [],
    });
    if (!applied.ok) throw new Error(applied.code);
    this.tunnels.rejudge(applied.changed);
  }

  forwards(...resources: GrantedResource[]): void {
    this.connectorAcl(resources.map((one) => ({ kind: 'resource', resource: one })));
  }

  clientAcl(resources: GrantedResource[], more: AclChanges = {}, key = this.tenant): Promise<string> {
    const { version = 7, network: of = network, ...claims } = more;
    const iat = Math.floor(Date.now() / 1000);
    return signToken(
      'clientAcl',
      {
        iss: issuer,
        aud: network,
        iat,
        exp: iat + 3600,
        rnw: iat + 2400,
        sub: 'svc_app',
        key: 'key_app',
        instance: 'ins_app',
        cnf: { jkt: this.client.jkt },
        acl: { network: of, version, resources },
        ...claims,
      },
      { privateKey: key.cryptoKey, kid: 'k1' },
    );
  }

  connectionToken(more: Partial<Claims<'connection'>> = {}, key = this.tenant): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: this.connector.hash as string,
      iat,
      exp: iat + 60,
      cnf: { jkt: this.client.jkt },
      jti: Buffer.from(bytes(16)).toString('base64url'),
      ...more,
    };
    return signToken('connection', claims, { privateKey: key.cryptoKey, kid: 'k1' });
  }

  /** A Client's tunnel. @throws SallyportError with the Connector's refusal. */
  async enter(acl: string, connectionToken?: string): Promise<ClientTunnel> {
    const [near, far] = await socketPair();
    void this.tunnels.take(async () => far, 'rel_test');
    const socket = await connectPinned(near, {
      identity: this.client,
      connectorHash: this.connector.hash,
      timeoutMs: 5_000,
    });
    return ClientTunnel.open(socket, {
      connectionToken: connectionToken ?? (await this.connectionToken()),
      acl,
      log,
      now: () => performance.now(),
    });
  }

  async close(): Promise<void> {
    await this.tunnels.drain(0);
  }
}

async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1' });
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  return [near, far];
}

/** Polls until `probe` gives something. */
export async function until<T>(probe: () => T | undefined | false, withinMs = 5_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = probe();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${probe}`);
    await new Promise((tick) => setTimeout(tick, 5));
  }
}
