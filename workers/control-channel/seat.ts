/**
 * What the object knows of one control channel. It lies in the WebSocket's attachment, so that it is still
 * there after the object has slept; nothing about an agent is kept in memory.
 */
import type { FromController } from '#schema/control/messages.ts';
import { controlClose } from '#schema/control/messages.ts';
import type { ErrorCode } from '#schema/errors.ts';
import { errors } from '#schema/errors.ts';
import type { VerifiedAgent } from '#workers/controller/ports.ts';

/** Carries the verified agent from the Worker to the object, which nobody else can reach. */
export const agentHeader = 'sallyport-agent';

export interface Seat {
  agent: VerifiedAgent;
  /** Milliseconds since the epoch: when the channel was opened. */
  since: number;
  /** It has said `hello`. */
  greeted: boolean;
  /** The ACL version that the agent holds once it has read everything that was sent. */
  sent?: number;
  /** The ACL version that it has confirmed. */
  acked?: number;
  /** The staleness budget that it was told. */
  stale?: number;
  /** As it said in `hello`. */
  capability?: number;
  /** When it last asked for everything anew. */
  renewedAt?: number;
  /** How much of the load it asked for, and when that last changed. */
  weight?: number | undefined;
  weighedAt?: number;
}

export const seatOf = (socket: WebSocket): Seat => socket.deserializeAttachment() as Seat;

export function changeSeat(socket: WebSocket, change: Partial<Seat>): Seat {
  const seat = { ...seatOf(socket), ...change };
  socket.serializeAttachment(seat);
  return seat;
}

export const isOpen = (socket: WebSocket): boolean => socket.readyState === WebSocket.OPEN;

/** @returns false when the channel is closed: what could not be told is told at the next `hello`. */
export function tell(socket: WebSocket, message: FromController): boolean {
  if (!isOpen(socket)) return false;
  try {
    socket.send(JSON.stringify(message));
    return true;
  } catch {
    return false;
  }
}

/** Ends the channel, saying why and whether coming back is of any use. */
export function refuseSeat(socket: WebSocket, code: ErrorCode, detail?: string): void {
  tell(socket, { type: 'refused', code, retry: errors[code].retry, ...(detail !== undefined && { detail }) });
  closeSeat(socket, controlClose.refused, code);
}

export function closeSeat(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // Closed already.
  }
}
