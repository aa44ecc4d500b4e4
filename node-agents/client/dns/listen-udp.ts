/**
 * Answers DNS questions that come in datagrams to a socket that somebody else has opened and bound. Between
 * the host's programs, or the LAN's devices, and `resolver.ts`.
 */
import type { Socket as DatagramSocket, RemoteInfo } from 'node:dgram';
import type { Socket } from 'node:net';
import { canonicalHost } from '#schema/name/host.ts';
import type { DnsResolver, Upstream } from './resolver.ts';

export interface DnsListenerOptions {
  resolver: DnsResolver;
  /** Who answers for names that are not protected. */
  upstream: Upstream;
  /** A connection to whoever that is; undefined when there is nobody. */
  connect(): Socket | undefined;
  /** Whose questions are heard at all; absent: everybody's. */
  allows?(address: string): boolean;
  /** Questions under way; more are dropped, and asked again by whoever wants to know. */
  most?: number;
}

export function listenUdp(socket: DatagramSocket, o: Omit<DnsListenerOptions, 'connect'>): void {
  const most = o.most ?? 1024;
  let underWay = 0;
  const onMessage = async (bytes: Buffer, from: RemoteInfo): Promise<void> => {
    const clientAddress = canonicalHost(from.address.replace(/%.*$/, '')) ?? '';
    // Nobody answers from port 0, or is answered there.
    if (from.port === 0 || underWay >= most || o.allows?.(clientAddress) === false) return;
    underWay++;
    const answer = await o.resolver.answer({ bytes, over: 'udp', clientAddress, upstream: o.upstream });
    underWay--;
    // Whoever asked may be gone, or the socket closed: then nobody waits for it.
    if (answer) send(socket, answer, from);
  };
  socket.on('message', (bytes, from) => void onMessage(bytes, from));
}

function send(socket: DatagramSocket, answer: Uint8Array, { port, address }: RemoteInfo): void {
  try {
    socket.send(answer, port, address, () => {});
  } catch {
    // ERR_SOCKET_DGRAM_NOT_RUNNING
  }
}
