/**
 * The Connector ACL as a Connector holds it: a snapshot, then differences applied one onto the other
 * (`ledger.ts` is the Controller's half). Mutable, because a difference to 100,000 Resources must cost what
 * the difference costs. Nothing is applied in part: a token that does not fit leaves the state as it was.
 */
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Claims } from '#schema/token/claims.ts';
import { clockTolerance, tokenKinds } from '#schema/token/kinds.ts';
import { type AclEntry, type AclResource, entryKey } from './document.ts';

export type ConnectorAclClaims = Claims<'connectorAcl'>;

/** Seconds after which no Client ACL from before can be in force. */
const longestClientAcl = tokenKinds.clientAcl.lifetime + clockTolerance;

export class ConnectorAcl {
  readonly resources = new Map<string, AclResource>();
  /** Principal → the lowest version of its Client ACLs that still counts. */
  readonly floors = new Map<string, number>();
  /** Keys, instances, principals and thumbprints that nothing may name any more. */
  readonly #revoked = new Set<string>();
  /** The same as pushed, with the time (seconds): an ACL signed just before does not list them yet. */
  readonly #pushed = new Map<string, number>();
  /** Undefined until a first snapshot. */
  version: number | undefined;
  /** Seconds since the epoch. */
  issuedAt = 0;
  expiresAt = 0;
  renewAt = 0;
  /** Seconds without a word from the Controller after which flows are refused. */
  staleAfter = 0;

  /**
   * @param claims verified: signature, audience, times.
   * @returns the keys of the entries that came, changed or went; or a refusal, after which a snapshot is needed.
   */
  apply(
    claims: ConnectorAclClaims,
  ): Verdict<{ changed: ReadonlySet<string> }, 'protocol_error' | 'token_replayed'> {
    const misnamed = Object.entries(claims.set).find(([key, entry]) => entryKey(entry) !== key);
    if (misnamed) return refuse('protocol_error', `the entry ${misnamed[0]} is under a wrong key`);
    if (claims.iat < this.issuedAt) return refuse('token_replayed', 'the ACL is older than the one held');
    if (claims.base !== undefined && claims.base !== this.version) {
      return refuse('protocol_error', `the difference starts from ${claims.base}, held is ${this.version}`);
    }
    const changed = new Set([...Object.keys(claims.set), ...claims.unset]);
    if (claims.base === undefined) for (const key of this.#clear()) changed.add(key);
    for (const key of claims.unset) this.#unset(key);
    for (const entry of Object.values(claims.set)) this.#set(entry);
    this.version = claims.version;
    this.issuedAt = claims.iat;
    this.expiresAt = claims.exp;
    this.renewAt = claims.rnw;
    this.staleAfter = claims.stale;
    for (const [id, at] of this.#pushed) if (claims.iat > at + longestClientAcl) this.#pushed.delete(id);
    return { ok: true, changed };
  }

  /**
   * A revocation counts at once, before the ACL that lists it arrives.
   * @param at seconds since the epoch.
   */
  revoke(ids: Iterable<string>, at: number): void {
    for (const id of ids) this.#pushed.set(id, at);
  }

  isRevoked(id: string): boolean {
    return this.#revoked.has(id) || this.#pushed.has(id);
  }

  #set(entry: AclEntry): void {
    if (entry.kind === 'resource') this.resources.set(entry.resource.id, entry.resource);
    else if (entry.kind === 'floor') this.floors.set(entry.principal, entry.version);
    else this.#revoked.add(entry.id);
  }

  #unset(key: string): void {
    const id = key.slice(key.indexOf(':') + 1);
    if (key.startsWith('resource:')) this.resources.delete(id);
    else if (key.startsWith('floor:')) this.floors.delete(id);
    else if (key.startsWith('revoked:')) this.#revoked.delete(id);
  }

  *#clear(): Iterable<string> {
    for (const id of this.resources.keys()) yield `resource:${id}`;
    for (const id of this.floors.keys()) yield `floor:${id}`;
    for (const id of this.#revoked) yield `revoked:${id}`;
    this.resources.clear();
    this.floors.clear();
    this.#revoked.clear();
  }
}
