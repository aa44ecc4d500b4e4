/** A small SOCKS 5 client that speaks UDP ASSOCIATE (RFC 1928 §7), written against the RFC alone. */
import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { connect, type Socket as TcpSocket } from 'node:net';

export interface SocksDatagram {
  host: string;
  port: number;
  data: Buffer;
}

export class SocksUdp extends EventEmitter<{ datagram: [SocksDatagram]; close: [] }> {
  readonly control: TcpSocket;
  /** Where datagrams are sent to. */
  readonly relay: { host: string; port: number };
  readonly socket: Socket;

  private constructor(control: TcpSocket, relay: { host: string; port: number }, socket: Socket) {
    super();
    this.control = control;
    this.relay = relay;
    this.socket = socket;
    socket.on('message', (bytes) => this.emit('datagram', read(bytes)));
    control.on('error', () => {}).once('close', () => this.emit('close'));
  }

  /** @throws Error naming the reply code of a refusal. */
  static async open(port: number): Promise<SocksUdp> {
    const control = connect(port, '127.0.0.1');
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await Promise.all([once(control, 'connect'), once(socket, 'listening')]);
    control.write(Buffer.of(5, 1, 0));
    expectBytes(await take(control, 2), [5, 0]);
    const own = socket.address().port;
    control.write(Buffer.of(5, 3, 0, 1, 127, 0, 0, 1, own >> 8, own & 0xff));
    const answer = await take(control, 10);
    expectBytes(answer.subarray(0, 4), [5, 0, 0, 1]);
    const relay = { host: answer.subarray(4, 8).join('.'), port: answer.readUInt16BE(8) };
    return new SocksUdp(control.resume(), relay, socket);
  }

  /** @param host a name, or an IPv4 address. */
  send(host: string, port: number, data: string | Buffer, fragment = 0): void {
    const address = /^[\d.]+$/.test(host)
      ? [1, ...host.split('.').map(Number)]
      : [3, host.length, ...Buffer.from(host)];
    const header = Buffer.of(0, 0, fragment, ...address, port >> 8, port & 0xff);
    this.socket.send([header, Buffer.from(data)], this.relay.port, this.relay.host);
  }

  close(): void {
    this.control.destroy();
    this.socket.close();
  }
}

function read(bytes: Buffer): SocksDatagram {
  const [, , , type, first] = bytes as unknown as number[];
  const end = 4 + (type === 1 ? 4 : type === 4 ? 16 : 1 + first!);
  const host = type === 3 ? bytes.toString('utf8', 5, end) : bytes.subarray(4, end).join('.');
  return { host, port: bytes.readUInt16BE(end), data: bytes.subarray(end + 2) };
}

async function take(socket: TcpSocket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = socket.read(length);
    if (bytes !== null) return bytes;
    if (socket.readableEnded || socket.destroyed) throw new Error('closed before the answer');
    await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
}

function expectBytes(found: Buffer, wanted: number[]): void {
  if (!found.equals(Buffer.from(wanted))) throw new Error(`SOCKS answered ${found.join(' ')}`);
}
