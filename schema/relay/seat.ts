/**
 * A seat at the relay: one socket and all that the switch knows of it. A Connector's standing link, or one of
 * the two ends of a session. A host that sleeps (Durable Object) keeps `save(seat)` beside the socket and
 * hands it back on waking; a host that does not sleep never calls it.
 */
import type { ConnectorHash } from '#schema/ids.ts';

export interface Seat<H> {
  readonly kind: 'link' | 'client' | 'connector';
  /** Of the Connector whose link it is, or through whom the session goes. */
  readonly hash: ConnectorHash;
  /** Thumbprint of the key that stands behind it. */
  readonly jkt: string;
  /** Number of the session, 0 for a link. */
  readonly session: number;
  /** Whatever the host reaches the socket by. */
  handle: H;
  /** The other end, once paired. */
  peer: Seat<H> | null;
  gone: boolean;
  /** Bytes sent to this seat; of those, what the last `mark` stood for and what was last acknowledged. */
  forwarded: number;
  marked: number;
  seen: number;
  /** When it was taken, and for a link when it was last heard of; milliseconds since the epoch. */
  sinceMs: number;
  heardMs: number;
}

/** Plain data, well under the 2 KiB that an attachment may always have. */
export interface SavedSeat {
  kind: Seat<unknown>['kind'];
  hash: ConnectorHash;
  jkt: string;
  session: number;
  paired: boolean;
  forwarded: number;
  marked: number;
  seen: number;
  sinceMs: number;
  heardMs: number;
}

export function takeSeat<H>(
  who: Pick<Seat<H>, 'kind' | 'hash' | 'jkt' | 'session' | 'handle'>,
  nowMs: number,
): Seat<H> {
  const counters = { forwarded: 0, marked: 0, seen: 0, sinceMs: nowMs, heardMs: nowMs };
  return { ...who, peer: null, gone: false, ...counters };
}

export function save({ handle: _, peer, gone, ...rest }: Seat<unknown>): SavedSeat {
  return { ...rest, paired: peer !== null && !gone };
}

export function seatOf<H>({ paired: _, ...saved }: SavedSeat, handle: H): Seat<H> {
  return { ...saved, handle, peer: null, gone: false };
}
