/**
 * What every listener of the Client asks for, and what it gets. HTTP proxy, SOCKS and forwards know nothing
 * of ACLs, tunnels or Connectors: they hand a destination to an `Open` (`flow.ts`) and join what comes back
 * to their own socket (`splice.ts`).
 */
import type { Duplex } from 'node:stream';
import type { Destination } from '#schema/acl/document.ts';
import type { Refusal } from '#schema/errors.ts';

export interface FlowRequest {
  destination: Destination;
  /** Address of the program or device that asks. */
  clientAddress: string;
  /** Aborted when whoever asked has gone. */
  signal: AbortSignal;
  /**
   * UDP: a first datagram that goes with the request and saves a round trip. Once asked for it, whoever opens
   * answers for it.
   */
  early?: () => Uint8Array | undefined;
}

/** Whether a flow to the same destination would be opened the same way now; if not, this one is not to be kept in stock. */
export type IsCurrent = () => boolean;

/** `connection` is the `cnx_…` that names the flow in every log and event, refused or not. */
export type Opening<S = Duplex> =
  | { ok: true; connection: string; stream: S; isCurrent?: IsCurrent }
  | (Refusal & { connection: string });

/** Resolves once the far side has accepted, or refused: never rejects. */
export type Open<S = Duplex> = (request: FlowRequest) => Promise<Opening<S>>;
