/**
 * What every tunnel and flow of one Connector shares: the ACL in force and the moment that verdicts depend
 * on, the keys that tokens are verified with, the resolver, the report, and the count of what is live.
 * `session.ts` keeps it current; `admit.ts` and `live-flow.ts` ask it.
 */
import type { JWTVerifyGetKey } from 'jose';
import type { Moment } from '#schema/acl/intersect.ts';
import type { ConnectorAcl } from '#schema/acl/state.ts';
import type { ConnectorHash } from '#schema/ids.ts';
import type { Log } from '../process/log.ts';
import { limits } from './limits.ts';
import type { Memory } from './memory.ts';
import type { RecordResolver } from './record-resolver.ts';
import type { Report } from './report.ts';
import type { Resolver } from './resolve.ts';
import type { SharedMatchers } from './shared-matchers.ts';

export interface Gate {
  acl: ConnectorAcl;
  moment(): Moment;
  /** Silence or age has made the ACL unusable: everything is refused. */
  isStale(): boolean;
  /** The Tenant's signing keys. */
  keys: JWTVerifyGetKey;
  /** What the Tenant calls itself in tokens. */
  issuer(): string;
  /** The Remote Network's id. */
  network(): string;
  /** `con_…`. */
  connector(): string | undefined;
  hash: ConnectorHash;
  matchers: SharedMatchers;
  resolver: Resolver;
  records: RecordResolver;
  report: Pick<Report, 'add'>;
  census: Census;
  /** UDP and ICMP alone. */
  associations: Census;
  memory: Memory;
  log: Log;
}

/** Counts live flows, in all and per principal. */
export class Census {
  readonly #most: { flows: number; flowsPerPrincipal: number };
  readonly #perPrincipal = new Map<string, number>();
  flows = 0;

  constructor(most: { flows: number; flowsPerPrincipal: number } = limits) {
    this.#most = most;
  }

  /** @returns undefined when a limit is reached; else call it once, when the flow is over. */
  enter(principal: string): (() => void) | undefined {
    const mine = this.#perPrincipal.get(principal) ?? 0;
    if (this.flows >= this.#most.flows || mine >= this.#most.flowsPerPrincipal) return undefined;
    this.flows++;
    this.#perPrincipal.set(principal, mine + 1);
    return () => {
      this.flows--;
      const left = this.#perPrincipal.get(principal)! - 1;
      if (left > 0) this.#perPrincipal.set(principal, left);
      else this.#perPrincipal.delete(principal);
    };
  }
}
