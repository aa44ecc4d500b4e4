/**
 * Where a destination goes: into a tunnel, straight out, or nowhere. What any Resource is about never goes
 * straight out, whether or not its port is allowed or a Connector can be reached: fail closed.
 */
import type { Destination } from '#schema/acl/document.ts';
import { type Refusal, refuse } from '#schema/errors.ts';
import type { Acls, Found } from './acl.ts';

export type Route =
  | ({ to: 'tunnel' } & Found)
  | { to: 'direct' }
  | { to: 'nowhere'; refusal: Refusal; found: Partial<Found> };

export interface RouteRules {
  /** Undefined until the first login: then nothing is known to be no Resource. */
  acls: Acls | undefined;
  /** `--direct`. */
  direct: boolean;
  nowMs: number;
}

export function decide(destination: Destination, { acls, direct, nowMs }: RouteRules): Route {
  if (acls === undefined) return nowhere(refuse('controller_unreachable', 'not logged in yet'));
  const found = acls.find(destination, nowMs);
  if (found.ok) return { to: 'tunnel', network: found.network, resource: found.resource, rule: found.rule };
  if (found.code === 'policy_denied') return nowhere(refuse('policy_denied', found.detail));
  if (found.code !== 'not_a_resource') {
    const { code, ok: _, ...known } = found;
    return nowhere(refuse(code), known);
  }
  // Records of what was a Resource a moment ago are nobody else's business.
  if (destination.protocol === 'dns') return nowhere(refuse('not_a_resource'));
  return direct ? { to: 'direct' } : nowhere(refuse('not_a_resource'));
}

const nowhere = (refusal: Refusal, found: Partial<Found> = {}): Route => ({ to: 'nowhere', refusal, found });
