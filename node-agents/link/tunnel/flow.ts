/**
 * One flow inside a tunnel as a Duplex: writing carries it to the other side within the credit granted there,
 * reading grants credit. `end()` is a half-close. `ClientTunnel.openFlow` and `FlowRequest.accept` make them;
 * `splice.ts` joins one to a socket.
 */
import { Duplex } from 'node:stream';
import type { ErrorCode } from '#schema/errors.ts';

export declare class Flow extends Duplex {
  /** The Connector reached the destination, at this address. Rejects with SallyportError(code). */
  readonly opened: Promise<{ resolved: string }>;
  /** Bytes from the Client towards the destination, and back: those that have passed here. */
  get bytesUp(): number;
  get bytesDown(): number;
  /** Ends both directions; the peer sees `code`. */
  reset(code: ErrorCode): void;
  /** UDP only: one datagram. @returns false when it was dropped because too much waits. Received ones are 'datagram' events. */
  sendDatagram(bytes: Uint8Array): boolean;
}
