/**
 * Joins a flow to the destination's socket until both directions are done (`link/tunnel/splice.ts` moves the
 * bytes), and can cut it for a reason of the Connector's own. Before it comes `connect.ts`; when it is over
 * `live-flow.ts` writes the event.
 */
import type { Socket } from 'node:net';
import type { ErrorCode } from '#schema/errors.ts';
import type { Flow } from '../link/tunnel/flow.ts';
import { splice } from '../link/tunnel/splice.ts';
import { readUrgentInLine } from '../os/urgent-data.ts';

export interface Joined {
  /** When both directions are over: undefined after a plain end, else why. */
  done: Promise<ErrorCode | undefined>;
  /** The Client is told the code, the destination sees a reset. */
  cut(code: ErrorCode): void;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** It has lasted: from now on a destination that vanishes is to be noticed. */
  probe?(): void;
  /** One direction has ended, the other has not. */
  readonly halfClosed: boolean;
}

/** Probes of an idle destination, so that one that vanished is noticed (RFC 9293 §3.8.4). */
const keepAliveMs = 60_000;

export function forward(flow: Flow, socket: Socket): Joined {
  readUrgentInLine(socket);
  return {
    done: splice(flow, socket),
    cut: (code) => flow.reset(code),
    probe: () => void socket.setKeepAlive(true, keepAliveMs),
    get bytesUp() {
      return flow.bytesUp;
    },
    get bytesDown() {
      return flow.bytesDown;
    },
    get halfClosed() {
      return flow.readableEnded !== socket.readableEnded;
    },
  };
}
