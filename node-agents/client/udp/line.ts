/**
 * What carries the datagrams of one association once it is open: a flow in a tunnel (`link/tunnel/flow.ts`)
 * or a socket of this machine (`direct.ts`). `association.ts` uses both alike.
 */
import type { ErrorCode } from '#schema/errors.ts';
import type { Open } from '../opening.ts';

export interface DatagramLine {
  /** @param bytes not to be changed any more. @returns false when it was dropped. */
  sendDatagram(bytes: Uint8Array): boolean;
  /** Hands on what has come and what comes. @param take its bytes are valid during the call only. */
  takeDatagrams(take: (bytes: Uint8Array) => void): void;
  /** Ends it; the far side sees the code. */
  reset(code: ErrorCode): void;
  /** Why it ended. */
  readonly code: ErrorCode | undefined;
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

export type OpenLine = Open<DatagramLine>;
