/**
 * UDP: one association per flow, a socket of its own that is connected to the destination, so that only the
 * destination's answers come back and its "port unreachable" is heard. Datagrams that find no room are
 * dropped, as UDP may. Ends when the Client ends it, or after a time without any (RFC 4787 §4.3).
 */
import { createSocket, type Socket } from 'node:dgram';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import { formatIp, type Ip } from '#schema/name/ip.ts';
import { codeOfSocketError } from '../link/socket-error.ts';
import type { Flow } from '../link/tunnel/flow.ts';
import type { Joined } from './forward.ts';
import { joinLine } from './line.ts';

/** Of the kernel's receive buffer, as far as it allows: a burst of answers is not lost meanwhile. */
const bufferBytes = 1024 * 1024;
/** Bytes that may wait in the socket. */
const mostWaiting = 1024 * 1024;

export type AssociateVerdict = Verdict<{ socket: Socket; address: string }>;

/** The first address to which there is a route: whether anybody is there, UDP does not say. */
export async function associate(addresses: readonly Ip[], port: number): Promise<AssociateVerdict> {
  let first: ErrorCode | undefined;
  for (const ip of addresses) {
    const address = formatIp(ip);
    const socket = createSocket({ type: ip.family === 4 ? 'udp4' : 'udp6', recvBufferSize: bufferBytes });
    const error = await new Promise<Error | undefined>((done) => {
      socket.once('error', done);
      socket.connect(port, address, (failure?: Error) => done(failure));
    });
    socket.removeAllListeners('error');
    if (!error) return { ok: true, socket, address };
    first ??= codeOfSocketError(error);
    socket.close();
  }
  return refuse(first ?? 'host_unreachable');
}

export function relayDatagrams(flow: Flow, socket: Socket, idleMs?: number): Joined {
  const joined = joinLine(flow, () => socket.close(), idleMs);
  socket.on('error', (error) => joined.cut(codeOfSocketError(error)));
  socket.on('message', (bytes) => {
    joined.moved();
    flow.sendDatagram(bytes);
  });
  // What cannot be sent, such as one that is too long for the path, is lost (RFC 768).
  const onSent = (error: Error | null): void => {
    const code = error && codeOfSocketError(error);
    if (code === 'connection_refused') joined.cut(code);
  };
  flow.takeDatagrams((bytes) => {
    joined.moved();
    if (socket.getSendQueueSize() < mostWaiting) socket.send(Buffer.from(bytes), onSent);
  });
  return joined;
}
