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

/** Milliseconds without a datagram; two minutes is the least that RFC 4787 allows. */
const idleMs = 120_000;
/** Bytes that may wait in the socket. */
const mostWaiting = 1024 * 1024;

export type AssociateVerdict = Verdict<{ socket: Socket; address: string }>;

/** The first address to which there is a route: whether anybody is there, UDP does not say. */
export async function associate(addresses: readonly Ip[], port: number): Promise<AssociateVerdict> {
  let first: ErrorCode | undefined;
  for (const ip of addresses) {
    const address = formatIp(ip);
    const socket = createSocket(ip.family === 4 ? 'udp4' : 'udp6');
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

export function relayDatagrams(flow: Flow, socket: Socket): Joined {
  const idle = setTimeout(() => flow.destroy(), idleMs);
  let plain = true;
  socket.on('error', (error) => {
    plain = false;
    flow.reset(codeOfSocketError(error));
  });
  socket.on('message', (bytes) => {
    idle.refresh();
    flow.sendDatagram(bytes);
  });
  flow.on('datagram', (bytes: Uint8Array) => {
    idle.refresh();
    // What cannot be sent is lost; only "port unreachable" comes back as an error of the socket.
    if (socket.getSendQueueSize() < mostWaiting)
      socket.send(bytes, (error) => error && socket.emit('error', error));
  });
  flow.on('end', () => flow.end());
  flow.resume();
  const done = new Promise<ErrorCode | undefined>((resolve) => {
    flow.once('close', () => {
      clearTimeout(idle);
      socket.close();
      // The end of an association is never a failure by itself: nobody could tell.
      resolve(plain && flow.code === 'cancelled' ? undefined : flow.code);
    });
  });
  return {
    done,
    cut(code) {
      plain = false;
      flow.reset(code);
    },
    get bytesUp() {
      return flow.bytesUp;
    },
    get bytesDown() {
      return flow.bytesDown;
    },
    halfClosed: false,
  };
}
