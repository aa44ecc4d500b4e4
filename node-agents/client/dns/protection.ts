/**
 * Which Resource a name in a DNS question belongs to. An underscored name (`_ldap._tcp.db.internal`, RFC 8552)
 * belongs to the name below it, a reverse name to its address. Names that this Client itself needs (its
 * Controller, its relays) stay what they are, whatever a wildcard says. Asked by `resolver.ts`.
 */
import type { Destination } from '#schema/acl/document.ts';
import { canonicalHost } from '#schema/name/host.ts';
import { formatIp } from '#schema/name/ip.ts';
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { addressOfReverse } from '#schema/name/reverse.ts';
import type { Acls } from '../acl.ts';

export type Protection =
  /** `host`: whose records they are; `name` when the question is about a name, not an address. */
  | {
      protected: true;
      network: string;
      host: string;
      about: 'name' | 'service' | 'address';
      /** Whether the ACL spells the host out: else it need not exist. Also before the first login, when nobody can say. */
      literal: boolean;
    }
  /** Its grant is over: neither ours nor anybody else's. */
  | { protected: true; network: undefined }
  | { protected: false };

export interface ProtectionRules {
  /** Until the first login: what was known before it (`client/tun/last-known.ts`). */
  acls: Pick<Acls, 'find'>;
  /** Canonical names that are never protected. */
  exempt: ReadonlySet<string>;
  nowMs: number;
}

const open: Protection = { protected: false };

/** @param name as `schema/name/message.ts` reads it. */
export function protectionOf(name: string, rules: ProtectionRules): Protection {
  if (rules.exempt.has(name)) return open;
  const address = addressOfReverse(name);
  if (address) return find(formatIp(address), 'address', rules);
  const owner = name.replace(/^(?:_[^.]*\.)+/, '');
  if (owner !== name && owner !== '') {
    const service = find(owner, 'service', rules);
    if (service.protected) return service;
  }
  return find(name, 'name', rules);
}

function find(
  host: string,
  about: 'name' | 'service' | 'address',
  { acls, exempt, nowMs }: ProtectionRules,
): Protection {
  if (exempt.has(host) || canonicalHost(host) !== host) return open;
  const destination: Destination = { protocol: 'dns', host };
  const found = acls.find(destination, nowMs);
  if (found.ok) {
    const { network, rule } = found;
    return { protected: true, network, host, about, literal: network === '' || !isWildcard(rule) };
  }
  return found.code === 'not_a_resource' ? open : { protected: true, network: undefined };
}
