/**
 * The Connector's verdict on one flow: it passes only where a Client ACL and the Connector ACL agree, while
 * both are in force. The Client ACL's most specific Resource decides (`match.ts`); the Connector ACL must
 * hold that same Resource and allow the destination in its own words. The Connector asks when a flow is
 * opened and again whenever one of the two changes or ends.
 */
import { pingInterval, pongTimeout } from '#schema/control/messages.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import type { Claims } from '#schema/token/claims.ts';
import { clockTolerance } from '#schema/token/kinds.ts';
import type { AclResource, Destination, GrantedResource } from './document.ts';
import { compile, judgeOne, type Matcher } from './match.ts';
import type { ConnectorAcl } from './state.ts';

/** A verified Client ACL, made ready for look-ups once. */
export interface ClientAcl {
  claims: Claims<'clientAcl'>;
  matcher: Matcher<GrantedResource>;
}

export type JudgeCode =
  | 'acl_stale'
  | 'revoked'
  | 'acl_expired'
  | 'acl_superseded'
  | 'not_a_resource'
  | 'port_denied'
  | 'grant_expired'
  | 'not_in_connector_acl';

/** `resource` and `rule` are told with a refusal too, where one was found. */
export type FlowVerdict =
  | {
      ok: true;
      resource: AclResource;
      rule: string;
      /** When it ends by time alone, milliseconds since the epoch. */
      endsMs: number;
    }
  | { ok: false; code: JudgeCode; resource?: AclResource; rule?: string };

/** What a verdict depends on besides the ACLs. Milliseconds since the epoch, by the Controller's clock. */
export interface Moment {
  nowMs: number;
  /** When the Connector last heard from the Controller. */
  heardMs: number;
  /** Whether the control channel is open: then silence between two pings is not yet staleness. */
  linked: boolean;
}

/** @param matcher of the same Resources, where one is at hand. */
export const clientAcl = (
  claims: Claims<'clientAcl'>,
  matcher: Matcher<GrantedResource> = compile(claims.acl.resources),
): ClientAcl => ({ claims, matcher });

/** Everything but the destination: may this Client ACL be used at all? */
export function judgeAcl(
  claims: Claims<'clientAcl'>,
  held: ConnectorAcl,
  moment: Moment,
): Verdict<object, 'acl_stale' | 'revoked' | 'acl_expired' | 'acl_superseded'> {
  if (isStale(held, moment)) return refuse('acl_stale');
  const names = [claims.sub, claims.key, claims.instance, claims.cnf.jkt];
  if (names.some((name) => held.isRevoked(name))) return refuse('revoked');
  if (moment.nowMs >= (claims.exp + clockTolerance) * 1000) return refuse('acl_expired');
  if (claims.acl.version < (held.floors.get(claims.sub) ?? 0)) return refuse('acl_superseded');
  return { ok: true };
}

export function judge(
  destination: Destination,
  client: ClientAcl,
  held: ConnectorAcl,
  moment: Moment,
): FlowVerdict {
  const usable = judgeAcl(client.claims, held, moment);
  if (!usable.ok) return { ok: false, code: usable.code };
  const granted = client.matcher.find(destination);
  if (!granted.ok) return granted;
  const { resource, rule } = granted;
  if (resource.until !== undefined && moment.nowMs >= resource.until * 1000) {
    return { ok: false, code: 'grant_expired', resource, rule };
  }
  const own = held.resources.get(resource.id);
  const forwarded = own && judgeOne(own, destination);
  if (!forwarded || (!forwarded.ok && forwarded.code === 'not_a_resource')) {
    return { ok: false, code: 'not_in_connector_acl', resource, rule };
  }
  if (!forwarded.ok) return forwarded;
  const expiry = client.claims.exp + clockTolerance;
  return { ...forwarded, endsMs: Math.min(expiry, resource.until ?? expiry) * 1000 };
}

/** Fails closed: never having had an ACL, one that ran out, or silence beyond the Tenant's budget. */
export const isStale = (held: ConnectorAcl, moment: Moment): boolean =>
  held.version === undefined || moment.nowMs >= staleAt(held, moment);

/** When the Connector must begin to refuse if it hears nothing more, in milliseconds since the epoch. */
export function staleAt(held: ConnectorAcl, { heardMs, linked }: Omit<Moment, 'nowMs'>): number {
  const budget = linked ? Math.max(held.staleAfter, pingInterval + pongTimeout) : held.staleAfter;
  return Math.min(heardMs + budget * 1000, (held.expiresAt + clockTolerance) * 1000);
}
