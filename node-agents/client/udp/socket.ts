/** A local UDP socket that programs send to, and how much it may hold for those that do not read. */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';

/** Of the kernel's buffers, as far as it allows: a burst is not lost while something else is done. */
const bufferBytes = 2 * 1024 * 1024;
const mostWaiting = 1024 * 1024;

/** @param host that it will be bound to. */
export function localSocket(host: string): Socket {
  const family = isIP(host) === 6 ? 6 : 4;
  const socket = createSocket({
    type: `udp${family}`,
    recvBufferSize: bufferBytes,
    sendBufferSize: bufferBytes,
    // Senders' addresses come back as they came: nothing is to be looked up per datagram.
    lookup: (name, _options, done) =>
      isIP(name) > 0 ? done(null, name, isIP(name)) : lookup(name, { family }, done),
  });
  // Whom it sends to may be gone: the datagram is lost, and nothing else.
  return socket.on('error', () => {});
}

/** @returns whether it was taken. */
export function answer(
  socket: Socket,
  bytes: Uint8Array | Uint8Array[],
  port: number,
  address: string,
): boolean {
  if (socket.getSendQueueSize() > mostWaiting) return false;
  socket.send(bytes as Uint8Array, port, address, ignore);
  return true;
}

const ignore = (): void => {};
