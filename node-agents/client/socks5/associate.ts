/**
 * UDP ASSOCIATE (RFC 1928 §7): a local UDP port for one program, open for as long as its TCP connection is.
 * Every destination that the program names is an association of its own (`udp/associations.ts`); answers
 * carry the destination as the program wrote it. Refusals are silence: the RFC has no answer for them.
 */
import type { Socket as UdpSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { udpDestination } from '../destination.ts';
import type { Association } from '../udp/association.ts';
import type { Associations } from '../udp/associations.ts';
import { answer, localSocket } from '../udp/socket.ts';
import { headerLength, readHeader } from './datagram.ts';
import { replies, reply, type SocksRequest } from './messages.ts';

/** UDP ports open at a time. */
const most = 1_024;
let open = 0;

/** Answers the request, then holds the connection. */
export async function associate(
  control: Socket,
  request: SocksRequest,
  associations: Associations,
): Promise<void> {
  if (open >= most) return void control.end(reply(replies.failure));
  const host = plain(control.localAddress ?? '');
  const socket = localSocket(host);
  open++;
  socket.once('close', () => open--);
  const bound = await bind(socket, host);
  if (!bound || control.destroyed) {
    socket.close();
    return void control.end(reply(replies.failure));
  }
  control.once('close', () => socket.close());
  // What it sends is of no interest; its end is.
  control.on('end', () => control.end()).resume();
  relay(socket, { address: plain(control.remoteAddress ?? ''), port: request.port }, associations);
  control.write(reply(replies.succeeded, { host, port: socket.address().port }));
}

/** @param program who may send; port 0: the first port that does. */
function relay(
  socket: UdpSocket,
  program: { address: string; port: number },
  associations: Associations,
): void {
  const destinations = new Map<string, Association>();
  socket.on('message', (bytes, from) => {
    if (from.address !== program.address) return;
    if (program.port === 0) program.port = from.port;
    if (from.port !== program.port) return;
    const length = headerLength(bytes);
    if (length === 0) return;
    const key = bytes.toString('latin1', 3, length);
    const association = destinations.get(key) ?? begin(bytes.subarray(0, length), key);
    association?.send(bytes.subarray(length));
  });
  socket.once('close', () => {
    for (const association of [...destinations.values()]) association.close();
  });

  function begin(header: Buffer, key: string): Association | undefined {
    const { host, port } = readHeader(header, header.length);
    const target = udpDestination(host, port);
    if (!target.ok) return undefined;
    const opened = associations.open({
      destination: target.destination,
      clientAddress: program.address,
      onDatagram: (bytes) => void answer(socket, [header, bytes], program.port, program.address),
      onEnd: () => destinations.delete(key),
    });
    if (!opened.ok) return undefined;
    destinations.set(key, opened.association);
    return opened.association;
  }
}

function bind(socket: UdpSocket, address: string): Promise<boolean> {
  return new Promise((done) => {
    socket.once('error', () => done(false));
    socket.bind({ port: 0, address }, () => done(true));
  });
}

/** A dual-stack listener sees IPv4 addresses in mapped form (RFC 4291 §2.5.5.2). */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');
