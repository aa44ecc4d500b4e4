/**
 * Sockets that bear the daemon's own mark (SO_MARK), so that the rules of `route-plan.ts` let them past the
 * TUN device: without it a connection of the daemon's to a protected address would come back to it for ever.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { isIPv6, Socket } from 'node:net';
import { SallyportError } from '#schema/errors.ts';
import { errno, wordsOf } from './errno.ts';
import { native } from './ffi.ts';
import type { Family } from './ip.ts';
import { ownMark } from './route-plan.ts';
import { socketFamily } from './sockaddr.ts';

export interface MarkedConnect {
  /** A literal; names are resolved before. */
  address: string;
  port: number;
  mark?: number;
}

/**
 * Like `net.connect` to one address: 'connect' or 'error' follow. For undici, ws and `tls.connect({socket})`.
 * @throws SallyportError `tun_unavailable` without CAP_NET_ADMIN, `limit_reached` without descriptors
 */
export function connectMarked({ address, port, mark = ownMark }: MarkedConnect): Socket {
  const family = isIPv6(address) ? 6 : 4;
  const fd = markedDescriptor(family, SOCK_STREAM, mark);
  const socket = new Socket({ fd, readable: true, writable: true });
  return socket.setNoDelay().connect({ host: address, port, family });
}

/**
 * A UDP socket, bound to `0.0.0.0` or `::` (v6 only) and a free port, or not bound yet where it is connected.
 * @throws as connectMarked
 */
export function createMarkedUdp(family: Family, mark: number = ownMark): DatagramSocket {
  const fd = markedDescriptor(family, SOCK_DGRAM, mark);
  return createSocket(family === 4 ? 'udp4' : 'udp6').bind({ fd });
}

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_MARK = 36;

function markedDescriptor(family: Family, type: number, mark: number): number {
  const os = native();
  const fd = os.socket(socketFamily(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    throw new SallyportError('limit_reached', `a socket could not be opened: ${wordsOf(os.errno())}`);
  const value = Buffer.alloc(4);
  value.writeUInt32LE(mark);
  if (os.setsockopt(fd, SOL_SOCKET, SO_MARK, value, 4) === 0) return fd;
  const code = os.errno();
  os.close(fd);
  throw new SallyportError(
    'tun_unavailable',
    code === errno.EPERM
      ? 'CAP_NET_ADMIN is missing (in a container: --cap-add NET_ADMIN)'
      : `SO_MARK: ${wordsOf(code)}`,
  );
}
