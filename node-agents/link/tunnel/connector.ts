/**
 * The Connector's end of a tunnel: hands HELLO, ACLs and flow requests to whoever judges them, in that
 * order. The socket comes from `pinned-tls.ts`; at the other end is `client.ts`.
 */
import type { TLSSocket } from 'node:tls';
import type { Destination } from '#schema/acl/document.ts';
import type { ErrorCode, Verdict } from '#schema/errors.ts';
import type { Hello } from '#schema/tunnel/frames.ts';
import type { TunnelOptions } from './client.ts';
import type { Flow } from './flow.ts';

export interface FlowRequest {
  connectionId: string;
  destination: Destination;
  clientAddress: string;
  /** The destination was reached, at this address: the Client is told, bytes may pass. */
  accept(o: { resolved: string }): Flow;
  refuse(code: ErrorCode): void;
  /** Aborted when the Client gives up or the tunnel ends before the answer. */
  readonly signal: AbortSignal;
}

export interface ConnectorTunnelOptions extends TunnelOptions {
  /** A refusal is told and ends the tunnel. Flows wait for it. */
  onHello(hello: Hello): Promise<Verdict<object>>;
  /** A refusal ends the tunnel for new flows (GOAWAY); those that live go on under the ACL in force. */
  onAcl(jwt: string): Promise<Verdict<object>>;
  onFlow(request: FlowRequest): void;
  /** Once, at the end, however it came. */
  onClose(code: ErrorCode): void;
  /** For HELLO, default 10 s. */
  timeoutMs?: number;
}

export declare class ConnectorTunnel {
  constructor(socket: TLSSocket, o: ConnectorTunnelOptions);
  get flows(): number;
  get rttMs(): number;
  /** Resets every flow and closes, all with this code. */
  cut(code: ErrorCode): void;
  /** Accepts no new flow; closes with the last one. */
  goAway(code: ErrorCode): void;
}
