/** A process of its own that sends datagrams back. Prints `{"event":"ready","port":N}`. */
import { createSocket } from 'node:dgram';

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
socket.bind(0, process.argv[2] ?? '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ event: 'ready', port: socket.address().port })}\n`),
);
