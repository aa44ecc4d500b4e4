/**
 * UDP towards an echo, with every datagram numbered: what came back, how much was lost and whether anything
 * overtook anything else. For tests (`exchange`, paced by its answers) and for measuring (`flood`).
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Exchanged {
  sent: number;
  received: number;
  /** Datagrams that arrived behind a later one. */
  reordered: number;
  duplicated: number;
  /** Came back with other bytes. */
  damaged: number;
}

/** Answers every datagram. */
export async function startEcho(address: string, port = 0): Promise<Socket> {
  const echo = createSocket({
    type: address.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: 4 * 1024 * 1024,
  });
  echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
  echo.bind(port, address);
  await once(echo, 'listening');
  return echo;
}

/** One sender to one port, connected. */
export async function connectTo(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: 4 * 1024 * 1024,
  });
  socket.connect(port, host);
  await once(socket, 'connect');
  return socket.on('error', () => {});
}

/**
 * Sends `count` datagrams, at most `window` of them unanswered; ends when all are back or nothing has come
 * for a while.
 */
export async function exchange(
  socket: Socket,
  {
    count,
    bytes,
    window = 32,
    patienceMs = 15_000,
  }: { count: number; bytes: number; window?: number; patienceMs?: number },
): Promise<Exchanged> {
  const result: Exchanged = { sent: 0, received: 0, reordered: 0, duplicated: 0, damaged: 0 };
  const seen = new Set<number>();
  let highest = -1;
  const { promise: quiet, resolve } = Promise.withResolvers<void>();
  const patience = setTimeout(resolve, patienceMs);
  const send = () => {
    while (result.sent < count && result.sent - seen.size < window)
      socket.send(numbered(result.sent++, bytes));
  };
  const onMessage = (message: Buffer) => {
    patience.refresh();
    const number = message.readUInt32BE(0);
    if (!message.equals(numbered(number, bytes))) result.damaged++;
    if (seen.has(number)) result.duplicated++;
    else if (number < highest) result.reordered++;
    seen.add(number);
    highest = Math.max(highest, number);
    if (seen.size === count) resolve();
    send();
  };
  socket.on('message', onMessage);
  send();
  await quiet;
  clearTimeout(patience);
  socket.off('message', onMessage);
  return { ...result, received: seen.size };
}

/** A number, and bytes that depend on it. */
function numbered(number: number, length: number): Buffer {
  const bytes = Buffer.alloc(Math.max(length, 4), number & 0xff);
  bytes.writeUInt32BE(number, 0);
  return bytes;
}
