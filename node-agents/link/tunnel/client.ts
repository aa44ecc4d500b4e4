/**
 * The Client's end of a tunnel: says HELLO with connection token and ACL, opens flows. The socket comes from
 * `pinned-tls.ts`; at the other end is `connector.ts`. A tunnel that ends takes its flows with it.
 */
import type { EventEmitter } from 'node:events';
import type { TLSSocket } from 'node:tls';
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode } from '#schema/errors.ts';
import type { Flow } from './flow.ts';

export interface TunnelLog {
  debug(event: string, fields?: Record<string, unknown>): void;
}

/** What both ends of a tunnel take. */
export interface TunnelOptions {
  log: TunnelLog;
  /** Monotonic milliseconds, with a fraction: for round trips and silence, never for tokens. */
  now: () => number;
  /** A PING after this much quiet, default 10 s. */
  keepAliveMs?: number;
  /** The peer is gone after this much silence, default 25 s. */
  silenceMs?: number;
}

export interface ClientTunnelOptions extends TunnelOptions {
  connectionToken: string;
  /** The signed Client ACL for this Remote Network. */
  acl: string;
  /** For WELCOME, default 10 s. */
  timeoutMs?: number;
}

export interface OpenFlow {
  /** `cnx_…`. */
  connectionId: string;
  destination: Destination;
  /** Address of the program behind the Client, or ''. */
  clientAddress: string;
}

export declare class ClientTunnel extends EventEmitter<{
  close: [code: ErrorCode];
  goaway: [code: ErrorCode];
}> {
  /** Says HELLO; flows may be opened at once, before the Connector has agreed. */
  static start(socket: TLSSocket, o: ClientTunnelOptions): ClientTunnel;
  /** `start`, then waits for WELCOME. @throws SallyportError with the code of the refusal. */
  static open(socket: TLSSocket, o: ClientTunnelOptions): Promise<ClientTunnel>;
  readonly welcomed: Promise<void>;
  /** Live flows. */
  get flows(): number;
  /** Smallest round trip seen lately; NaN before the first. */
  get rttMs(): number;
  /** No new flow is accepted: open another tunnel. */
  get goingAway(): boolean;
  /** Never throws: what fails is told by `flow.opened` and its 'error'. */
  openFlow(o: OpenFlow): Flow;
  renewAcl(jwt: string): void;
  /** Default code: draining. */
  close(code?: ErrorCode): void;
}
