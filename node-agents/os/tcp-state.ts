/**
 * Whether the kernel has closed a TCP socket for good: Node does not hear of a reset on a socket that it does
 * not read at the moment (`client/tun/tcp.ts` asks about those whose program has sent one).
 */
import type { Socket } from 'node:net';
import { native } from './ffi.ts';

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** Of `tcpi_state`, the first byte. */
const TCP_CLOSE = 7;
const state = Buffer.alloc(1);
const length = Buffer.alloc(4);

/** @throws SallyportError tun_unavailable where there is no `node:ffi`. */
export function isClosedByKernel(socket: Socket): boolean {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
  if (fd < 0) return false;
  length.writeUInt32LE(state.length);
  return native().getsockopt(fd, IPPROTO_TCP, TCP_INFO, state, length) === 0 && state[0] === TCP_CLOSE;
}
