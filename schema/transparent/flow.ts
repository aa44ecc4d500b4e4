/**
 * One TCP connection of a program in transparent mode, as `flows.ts` keeps it, and the bounds of all of them.
 *
 *   held ─connected→ accepting ─accepted→ open ─release→ closing ─(quiet)→ gone; refusal, RST or time end it earlier.
 */
import type { Rewrite } from '#schema/packet/rewrite.ts';
import type { Tuple } from './tuple-index.ts';

/** `gone`: in no table any more; calls about it do nothing. */
export type TcpState = 'held' | 'accepting' | 'open' | 'closing' | 'gone';

/** `T`: what the caller hangs on it. */
export interface TcpFlow<T = unknown> {
  readonly tuple: Tuple;
  /** The program's end, and the one that it wants; 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** Whom it counts for. */
  readonly sourceKey: string;
  /** The caller's own. */
  owner: T | undefined;
  state: TcpState;
  /** The SYN as it came, a whole frame, until the flow is open. */
  syn: Uint8Array | undefined;
  /** The made-up remote end: which of the peer addresses, and the port; set by `connected`. */
  peer: number;
  peerPort: number;
  /** What packets are rewritten to: those to the listener, and those to the program. */
  inward: Rewrite | undefined;
  outward: Rewrite | undefined;
  /** Last packet or change of state. */
  lastMs: number;
  /** What was seen of its end: bits of `ends`. */
  ends: number;
  nextInBucket: TcpFlow<T> | undefined;
}

export const ends = { programFin: 1, listenerFin: 2, reset: 4 } as const;

/** Both sides have said that nothing follows, or one has reset. */
export const isOver = (flow: TcpFlow): boolean =>
  (flow.ends & ends.reset) !== 0 || flow.ends === (ends.programFin | ends.listenerFin);

export interface FlowLimits {
  /**
   * SYNs held or being accepted: in all, and of one source (an IPv4 address, an IPv6 /64). A flood of them takes no
   * more than half of the streams of a tunnel (`tunnel/frames.ts`).
   */
  held: number;
  heldPerSource: number;
  /**
   * Where there is no room for another, one that has waited longer than this makes way: for the far side, which may
   * be busy, and for its program, which answers at once if it is one.
   */
  heldGraceMs: number;
  acceptGraceMs: number;
  /** Flows in every state; at most 64,511. */
  flows: number;
  flowsPerSource: number;
  /** Longest time in `held`; the caller's own limit on opening is shorter. */
  heldMs: number;
  /** From `connected` until the listener has the connection. */
  acceptMs: number;
  /** After `release`, without packets: of a flow that is over; and of one with data still under way. */
  lingerMs: number;
  closingMs: number;
}

export const flowLimits: FlowLimits = {
  held: 2_048,
  heldPerSource: 1_536,
  heldGraceMs: 3_000,
  acceptGraceMs: 500,
  flows: 32_768,
  flowsPerSource: 16_384,
  heldMs: 130_000,
  acceptMs: 5_000,
  lingerMs: 2_000,
  closingMs: 130_000,
};
