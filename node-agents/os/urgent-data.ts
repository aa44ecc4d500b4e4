/**
 * TCP's urgent data as a part of the stream (SO_OOBINLINE): a byte that somebody sends with MSG_OOB would else be
 * taken out of what is read, and be lost on the way (RFC 6093 §5 says to read it in line). That it was urgent
 * is not told to the other side.
 */
import type { Server, Socket } from 'node:net';
import { native } from './ffi.ts';

const SOL_SOCKET = 1;
const SO_OOBINLINE = 10;
const on = Buffer.of(1, 0, 0, 0);
let possible = true;

/** @param of a socket, or a listener and all that it will accept. Where it cannot be had nothing happens. */
export function readUrgentInLine(of: Socket | Server): void {
  const fd = (of as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
  if (!possible || fd < 0) return;
  try {
    native().setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, on, on.length);
  } catch {
    possible = false;
  }
}
