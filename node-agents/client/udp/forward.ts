/**
 * `--forward udp:5353=dns.internal:53`: a local UDP port that is one destination, for programs that know no
 * proxy. Each sender has an association of its own (`associations.ts`), so that answers find their way back.
 * What is refused stays without an answer; the reason is in the log and the event.
 */
import type { Socket } from 'node:dgram';
import type { UdpDestination } from '../destination.ts';
import type { Association } from './association.ts';
import type { Associations } from './associations.ts';
import { answer, localSocket } from './socket.ts';

export interface UdpForwardOptions {
  associations: Associations;
  destination: UdpDestination;
  /** That it will be bound to. */
  host: string;
}

/** @returns a socket that is not bound yet. */
export function createUdpForward({ associations, destination, host }: UdpForwardOptions): Socket {
  const socket = localSocket(host);
  const senders = new Map<string, Association>();
  socket.on('message', (bytes, { address, port }) => {
    const sender = `${address} ${port}`;
    const known = senders.get(sender);
    if (known !== undefined) return void known.send(bytes);
    const opened = associations.open({
      destination,
      clientAddress: address,
      onDatagram: (datagram) => void answer(socket, datagram, port, address),
      onEnd: () => senders.delete(sender),
    });
    if (!opened.ok) return;
    senders.set(sender, opened.association);
    opened.association.send(bytes);
  });
  return socket.once('close', () => {
    for (const association of [...senders.values()]) association.close();
  });
}
