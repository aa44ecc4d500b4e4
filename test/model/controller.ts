/**
 * The simulation's Controller, and the reference of what is right: policy as plain sets with every version
 * kept, and the product's own ledger to tell Connectors. Instead of signatures, an ACL is an object that
 * nobody else can make.
 */
import type { AclEntry, AclResource } from '#schema/acl/document.ts';
import { entryKey } from '#schema/acl/document.ts';
import { advance, type Ledger, since } from '#schema/acl/ledger.ts';
import type { Claims } from '#schema/token/claims.ts';

export type ClientAclClaims = Claims<'clientAcl'>;
export type ConnectorAclClaims = Claims<'connectorAcl'>;

/** Client `c` may reach Resource `r`. */
type Policy = ReadonlySet<string>;

export class ModelController {
  version = 1;
  readonly resources: AclResource[];
  readonly revokedKeys = new Set<string>();
  readonly #grants = new Set<string>();
  readonly #floors = new Map<string, number>();
  readonly #history = new Map<number, Policy>();
  #ledger: Ledger<AclEntry> | undefined;

  constructor(hosts: string[]) {
    this.resources = hosts.map((address) => ({
      id: `res_${address}`,
      address,
      tcp: [{ from: 1, to: 1000 }],
      udp: 'none',
      icmp: false,
    }));
    this.#remember();
  }

  grant(client: string, resource: string): void {
    this.version++;
    this.#grants.add(`${client} ${resource}`);
    this.#remember();
  }

  takeBack(client: string, resource: string): void {
    this.version++;
    this.#grants.delete(`${client} ${resource}`);
    this.#floors.set(client, this.version);
    this.#remember();
  }

  revoke(client: string): void {
    this.version++;
    this.revokedKeys.add(`key_${client}`);
    this.#remember();
  }

  /** Whether the policy of a version let a Client reach a host. */
  allowed(version: number, client: string, host: string): boolean {
    return this.#history.get(version)?.has(`${client} res_${host}`) ?? false;
  }

  clientAcl(client: string, nowMs: number): ClientAclClaims {
    const iat = Math.floor(nowMs / 1000);
    return {
      iss: 'model',
      aud: 'net_model',
      iat,
      exp: iat + 3600,
      rnw: iat + 2400,
      sub: client,
      key: `key_${client}`,
      instance: `ins_${client}`,
      cnf: { jkt: `jkt_${client}` },
      acl: {
        network: 'net_model',
        version: this.version,
        resources: this.resources.filter(({ id }) => this.#grants.has(`${client} ${id}`)),
      },
    };
  }

  connectorAcl(held: number | undefined, nowMs: number): ConnectorAclClaims {
    this.#ledger = advance(this.#ledger, this.version, this.#entries());
    const told = since(this.#ledger, held);
    const iat = Math.floor(nowMs / 1000);
    return {
      iss: 'model',
      aud: 'hash',
      sub: 'con_model',
      iat,
      exp: iat + 3600,
      rnw: iat + 2400,
      stale: 900,
      version: told.version,
      set: told.set,
      unset: told.unset,
      ...(told.kind === 'difference' && { base: told.base }),
    };
  }

  #entries(): Record<string, AclEntry> {
    const entries: AclEntry[] = [
      ...this.resources.map((resource) => ({ kind: 'resource' as const, resource })),
      ...[...this.#floors].map(([principal, version]) => ({ kind: 'floor' as const, principal, version })),
      ...[...this.revokedKeys].map((id) => ({ kind: 'revoked' as const, id })),
    ];
    return Object.fromEntries(entries.map((entry) => [entryKey(entry), entry]));
  }

  #remember(): void {
    const living = [...this.#grants].filter((grant) => !this.revokedKeys.has(`key_${grant.split(' ')[0]}`));
    this.#history.set(this.version, new Set(living));
  }
}
