/**
 * ICMP echo without privileges: a datagram socket of protocol ICMP (`net.ipv4.ping_group_range`), connected to
 * one address. The kernel sets the identifier and the checksum and gives back only the answers to this
 * socket's own requests; identifiers of whoever asks are the caller's to translate.
 */
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import type { Ip } from '#schema/name/ip.ts';
import { errno } from './errno.ts';
import { type Native, native } from './ffi.ts';
import { watchReadable } from './readiness.ts';
import { sockaddr, socketFamily } from './sockaddr.ts';

export interface PingSocket {
  /**
   * @param sequence 0–65,535.
   * @returns whether the kernel took it; a payload that is too long or full buffers lose it, as ICMP may.
   */
  send(sequence: number, payload: Uint8Array): boolean;
  close(): void;
}

export interface PingHandlers {
  /** @param payload a copy of its own. */
  onReply(sequence: number, payload: Buffer): void;
  /** An ICMP error for one of the requests; the socket stays usable. */
  onError(code: ErrorCode): void;
}

export type PingVerdict = Verdict<{ socket: PingSocket }>;

/** Refuses `icmp_unavailable` where this process may not, `host_unreachable`, `network_unreachable` without a route. */
export function openPingSocket(address: Ip, handlers: PingHandlers): PingVerdict {
  const os = libraryIfAny();
  if (!os) return refuse('icmp_unavailable', 'node:ffi is missing');
  const protocol = address.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  const fd = os.socket(socketFamily(address.family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) return refuse(...whyNoSocket(os.errno()));
  const target = sockaddr(address, 0);
  if (os.connect(fd, target, target.length) < 0) {
    const code = codeOf(os.errno());
    os.close(fd);
    return refuse(code);
  }

  const on = Buffer.of(1, 0, 0, 0);
  if (address.family === 4) os.setsockopt(fd, IPPROTO_IP, IP_RECVERR, on, 4);
  else os.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, on, 4);

  let open = true;
  const echoReply = address.family === 4 ? 0 : 129;
  const readSome = () => {
    for (let left = mostAtOnce; left > 0 && open; left--) {
      const length = os.recv(fd, received, room, 0);
      if (length >= 8 && received[0] === echoReply)
        handlers.onReply(received.readUInt16BE(6), Buffer.from(received.subarray(8, length)));
      if (length >= 0) continue;
      const code = os.errno();
      const nothing = code === errno.EAGAIN || code === errno.EINTR;
      // A failed `send` may have taken the error itself; what it is about lies in a queue of its own.
      const queued = emptyErrorQueue();
      if (queued || !nothing) handlers.onError(codeOf(code));
      if (nothing) return;
    }
  };
  const emptyErrorQueue = (): boolean => {
    let some = false;
    while (os.recv(fd, received, room, MSG_ERRQUEUE) >= 0) some = true;
    return some;
  };
  const watched = watchReadable(fd, readSome);
  return {
    ok: true,
    socket: {
      send(sequence, payload) {
        if (!open) return false;
        const request = Buffer.allocUnsafe(8 + payload.length);
        request.fill(0, 0, 8);
        request[0] = address.family === 4 ? 8 : 128;
        request.writeUInt16BE(sequence, 6);
        request.set(payload, 8);
        return os.send(fd, request, BigInt(request.length), 0) === request.length;
      },
      close() {
        if (!open) return;
        open = false;
        watched.close();
        os.close(fd);
      },
    },
  };
}

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
// Without them only "fatal" errors are told, of which "host unreachable" is none.
const IP_RECVERR = 11;
const IPV6_RECVERR = 25;
const MSG_ERRQUEUE = 0x2000;
/** One for all sockets: nothing of it is kept once a read has been told of. */
const received = Buffer.alloc(65_536);
const room = BigInt(received.length);
const mostAtOnce = 16;

function libraryIfAny(): Native | undefined {
  try {
    return native();
  } catch {
    return undefined;
  }
}

const whyNoSocket = (code: number): [ErrorCode, string?] =>
  code === errno.EACCES || code === errno.EPERM
    ? ['icmp_unavailable', 'net.ipv4.ping_group_range does not hold this process’s group']
    : code === errno.EAFNOSUPPORT || code === errno.EPROTONOSUPPORT
      ? ['network_unreachable']
      : ['limit_reached'];

const codeOf = (code: number): ErrorCode =>
  code === errno.ENETUNREACH
    ? 'network_unreachable'
    : code === errno.ECONNREFUSED
      ? 'connection_refused'
      : 'host_unreachable';
