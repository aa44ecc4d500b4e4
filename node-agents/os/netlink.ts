/**
 * Messages of netlink(7), the kernel's own interface for what `ip` and `nft` set: how they are written, one request
 * with its acknowledgement, and changes that others make (`watch-ruleset.ts`). Numbers of netlink itself are in
 * the host's order, which is little-endian wherever Node's `ffi` runs; netfilter's are big-endian.
 */
import { SallyportError } from '#schema/errors.ts';
import { errno, wordsOf } from './errno.ts';
import { native } from './ffi.ts';
import { watchReadable } from './readiness.ts';

export const netlinkProtocols = { route: 0, netfilter: 12 } as const;
export const messageFlags = { request: 0x1, ack: 0x4, create: 0x400, append: 0x800 } as const;

export interface Message {
  type: number;
  flags: number;
  /** The header of its family and the attributes. */
  body: Uint8Array;
}

export function attribute(type: number, value: Uint8Array): Buffer<ArrayBuffer> {
  const bytes = Buffer.allocUnsafe(aligned(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes.fill(0, 4 + value.length);
}

export const nested = (type: number, ...attributes: Uint8Array[]): Buffer<ArrayBuffer> =>
  attribute(type | nestedFlag, Buffer.concat(attributes));

export function be32(value: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export const zeroEnded = (text: string): Buffer<ArrayBuffer> => Buffer.from(`${text}\0`, 'latin1');

/** Type to value of the attributes from a place on; the last of a kind counts. What is cut off is left out. */
export function attributesFrom(bytes: Buffer, start: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = start; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    found.set(bytes.readUInt16LE(at + 2) & ~nestedFlag, bytes.subarray(at + 4, at + length));
    at += aligned(length);
  }
  return found;
}

/**
 * Sends them together; the kernel carries them out before this returns. One of them must ask for an acknowledgement.
 * @returns the errno of the first that was refused, 0 when none was.
 */
export function request(protocol: number, messages: readonly Message[]): number {
  const os = native();
  const fd = os.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) return os.errno();
  try {
    const bytes = Buffer.concat(messages.map(written));
    const room = Buffer.alloc(4);
    room.writeInt32LE(Math.max(2 * bytes.length, leastRoom));
    os.setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, room, room.length);
    // Each message that is refused has an answer, in which the kernel would repeat it.
    os.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, room, room.length);
    os.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, Buffer.from([1, 0, 0, 0]), 4);
    if (os.send(fd, bytes, BigInt(bytes.length), 0) < 0) return os.errno();
    return answerOf(fd);
  } finally {
    os.close(fd);
  }
}

/**
 * @param groups of the protocol, as bits (the first 32).
 * @param onMessage the body is good during the call; undefined: some were lost, or there is no telling what they were.
 * @throws SallyportError tun_unavailable
 */
export function listen(
  protocol: number,
  groups: number,
  onMessage: (type: number | undefined, body: Buffer) => void,
): () => void {
  const os = native();
  const fd = os.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  const address = Buffer.alloc(12); // struct sockaddr_nl: family, padding, port, groups
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(groups >>> 0, 8);
  if (fd < 0 || os.bind(fd, address, address.length) < 0) {
    const words = wordsOf(os.errno());
    if (fd >= 0) os.close(fd);
    throw new SallyportError('tun_unavailable', `changes of others cannot be heard: ${words}`);
  }
  const buffer = Buffer.alloc(longest);
  const watched = watchReadable(fd, () => {
    for (let left = mostAtOnce; left > 0; left--) {
      const length = os.recv(fd, buffer, BigInt(buffer.length), 0);
      if (length < 0) {
        if (os.errno() === errno.ENOBUFS) onMessage(undefined, buffer.subarray(0, 0));
        return;
      }
      for (const [type, body] of messagesIn(buffer.subarray(0, length))) onMessage(type, body);
    }
  });
  return () => {
    watched.close();
    os.close(fd);
  };
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NLMSG_ERROR = 2;
const headerBytes = 16;
const nestedFlag = 0x8000;
const leastRoom = 64 * 1024;
/** Above any datagram of these groups. */
const longest = 64 * 1024;
/** Datagrams read before other work gets its turn. */
const mostAtOnce = 64;

const aligned = (length: number): number => (length + 3) & ~3;

function written({ type, flags, body }: Message, sequence: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(aligned(headerBytes + body.length));
  bytes.writeUInt32LE(headerBytes + body.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.set(body, headerBytes);
  return bytes;
}

function* messagesIn(bytes: Buffer): Generator<[type: number, body: Buffer]> {
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < headerBytes || at + length > bytes.length) return;
    yield [bytes.readUInt16LE(at + 4), bytes.subarray(at + headerBytes, at + length)];
    at += aligned(length);
  }
}

function answerOf(fd: number): number {
  const os = native();
  const buffer = Buffer.alloc(longest);
  for (let acknowledged = false; ; ) {
    const length = os.recv(fd, buffer, BigInt(buffer.length), 0);
    if (length < 0) {
      const code = os.errno();
      return acknowledged && code === errno.EAGAIN ? 0 : code;
    }
    for (const [type, body] of messagesIn(buffer.subarray(0, length))) {
      if (type !== NLMSG_ERROR || body.length < 4) continue;
      const code = -body.readInt32LE(0);
      if (code !== 0) return code;
      acknowledged = true;
    }
  }
}
