/**
 * One end of a session as this host sees it: whatever carries the bytes, they go in and out in the same few
 * ways, so that a raw stream and a WebSocket can be paired with each other. Made by `raw.ts`,
 * `websocket.ts` and, for a Client that still waits, `waiting.ts`; driven by `exchange.ts`.
 */
import type { ErrorCode } from '#schema/errors.ts';

export interface Line {
  /**
   * @returns true: the bytes are in the kernel and the buffer is free again. False: leave the buffer
   *   untouched and bring no more until `ready` is called; what comes nevertheless is kept.
   */
  send(bytes: Buffer): boolean;
  /** Reads on, after `bytes` answered false. */
  resume(): void;
  /** A message of the relay's own; a carrier that has no place for one drops it. */
  tell(text: string): void;
  /** Nothing more will be sent: a half-close where the carrier knows one. */
  finish(): void;
  /** Both ways. Null: after what was sent is out. A code: at once. */
  close(code: ErrorCode | null): void;
}

/** What a line reports. Nothing comes after `closed`. */
export interface LineEvents {
  /** @returns false to read no more until `resume`; the buffer is the line's again once it does. */
  bytes(bytes: Buffer): boolean;
  text(text: string): void;
  ended(): void;
  /** All that `send` had kept is out. */
  ready(): void;
  /** @param code null for a plain end. */
  closed(code: ErrorCode | null): void;
}

/** Milliseconds for the other side to close as well, before its socket is destroyed. */
export const lingerMs = 5_000;
