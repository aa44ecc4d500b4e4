/**
 * The Client ACLs that an instance holds, one for each Remote Network, and the look-up over all of them:
 * which Resource, and so which network, a destination belongs to. They come from login and control channel
 * (`session.ts`); a Connector checks them anew (`acl/intersect.ts`), so a wrong one could only mislead this
 * Client, which is why each is verified before it counts.
 */
import type { JWTVerifyGetKey } from 'jose';
import type { Destination, GrantedResource } from '#schema/acl/document.ts';
import { compile, type Matcher } from '#schema/acl/match.ts';
import type { ConnectorEntry, NetworkEntry, Withheld } from '#schema/control/messages.ts';
import { type Refusal, refuse, type Verdict } from '#schema/errors.ts';
import type { Claims } from '#schema/token/claims.ts';
import { verifyToken } from '#schema/token/verify.ts';

export interface NetworkAcl {
  claims: Claims<'clientAcl'>;
  /** As it is sent into tunnels. */
  signed: string;
  connectors: ConnectorEntry[];
  /** What a Security Policy keeps from this person: no more than a reason to tell. */
  withheld?: Withheld[];
}

export interface Found {
  network: string;
  resource: GrantedResource;
  /** The pattern that decided. */
  rule: string;
}

export interface AclExpectation {
  keys: JWTVerifyGetKey;
  /** The Tenant's URL. */
  issuer: string;
  /** Thumbprint of this instance's key. */
  jkt: string;
  nowMs: number;
}

/** What is known at one moment; a change makes a new one, so that a look-up never sees half of it. */
export class Acls {
  readonly version: number;
  readonly networks: ReadonlyMap<string, NetworkAcl>;
  readonly #matcher: Matcher<GrantedResource>;
  readonly #networkOf = new Map<GrantedResource, string>();
  readonly #withheld = new Map<GrantedResource, Withheld>();

  constructor(version = 0, networks: ReadonlyMap<string, NetworkAcl> = new Map()) {
    this.version = version;
    this.networks = networks;
    for (const [network, { claims, withheld }] of networks) {
      for (const resource of claims.acl.resources) this.#networkOf.set(resource, network);
      for (const one of withheld ?? []) this.#withheld.set(resourceOf(one), one);
    }
    this.#matcher = compile([...this.#networkOf.keys(), ...this.#withheld.keys()]);
  }

  /**
   * `port_denied`: a Resource, but not for this port. `grant_expired`: for nobody any more. `policy_denied`: not
   * for this session of this person; `detail` has policy and rule.
   */
  find(
    destination: Destination,
    nowMs: number,
  ):
    | Verdict<Found, 'not_a_resource'>
    | Refusal<'policy_denied'>
    | (Partial<Found> & { ok: false; code: 'port_denied' | 'grant_expired' }) {
    const match = this.#matcher.find(destination);
    if (!('resource' in match)) return refuse('not_a_resource');
    const { resource, rule } = match;
    const withheld = this.#withheld.get(resource);
    if (withheld) return refuse('policy_denied', `${withheld.policy}: ${withheld.reason}`);
    const found = { network: this.#networkOf.get(resource)!, resource, rule };
    if (!match.ok) return { ok: false, code: 'port_denied', ...found };
    const ended = resource.until !== undefined && nowMs >= resource.until * 1000;
    return ended ? { ok: false, code: 'grant_expired', ...found } : { ok: true, ...found };
  }

  get resources(): { network: string; resource: GrantedResource }[] {
    return [...this.#networkOf].map(([resource, network]) => ({ network, resource }));
  }

  /** When the first of them wants to be renewed, milliseconds since the epoch; Infinity without any. */
  get renewAtMs(): number {
    return Math.min(...[...this.networks.values()].map(({ claims }) => claims.rnw * 1000));
  }

  /** When the first of them ends. */
  get endsMs(): number {
    return Math.min(...[...this.networks.values()].map(({ claims }) => claims.exp * 1000));
  }

  /** @param change as `client_acl` says it: null is a network without Resources. */
  async with(
    change: { version: number; snapshot: boolean; networks: Record<string, NetworkEntry | null> },
    expected: AclExpectation,
  ): Promise<Verdict<{ acls: Acls }>> {
    const networks = new Map(change.snapshot ? [] : this.networks);
    for (const [network, entry] of Object.entries(change.networks)) {
      if (entry === null) {
        networks.delete(network);
        continue;
      }
      const verdict = await verifyToken('clientAcl', entry.acl, { ...expected, audience: network });
      if (!verdict.ok) return verdict;
      const { claims } = verdict;
      if (claims.cnf.jkt !== expected.jkt) return refuse('instance_mismatch');
      networks.set(network, {
        claims,
        signed: entry.acl,
        connectors: entry.connectors,
        withheld: entry.withheld ?? [],
      });
    }
    return { ok: true, acls: new Acls(change.version, networks) };
  }
}

/** As the matcher sees it: whatever its ports, no program gets there, nor straight out. */
const resourceOf = ({ address, alias }: Withheld): GrantedResource => ({
  id: '',
  address,
  ...(alias !== undefined && { alias }),
  tcp: 'all',
  udp: 'all',
  icmp: true,
});
