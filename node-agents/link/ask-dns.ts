/**
 * One DNS message to one server and its answer back, over UDP or TCP (RFC 1035 §4.2). Whatever is no answer
 * to this very question is not heard; a datagram that may be lost is sent again (§4.2.1). The Client hands on questions that are not its own with it, the
 * Connector asks its Remote Network's resolver.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';

export interface DnsServer {
  /** A literal. */
  address: string;
  port: number;
}

export interface DnsSockets {
  /** Not connected yet. */
  udp(family: 4 | 6): DatagramSocket;
  /** Connecting. */
  tcp(server: DnsServer): Socket;
}

export interface AskDnsOptions {
  over: 'udp' | 'tcp';
  timeoutMs: number;
  sockets?: DnsSockets;
  signal?: AbortSignal;
}

export const plainSockets: DnsSockets = {
  udp: (family) => createSocket(family === 4 ? 'udp4' : 'udp6'),
  tcp: ({ address, port }) => connect({ host: address, port, noDelay: true }),
};

/** Milliseconds after which a question is sent once more. */
const resendMs = 1_000;

/**
 * @param query whole, with one question.
 * @throws (rejects) the socket's error, or an Error with code ETIMEDOUT or ABORT_ERR
 */
export function askDns(query: Uint8Array, server: DnsServer, o: AskDnsOptions): Promise<Uint8Array> {
  const sockets = o.sockets ?? plainSockets;
  return o.over === 'udp' ? askUdp(query, server, o, sockets) : askTcp(query, server, o, sockets);
}

/** With its length in front, in one piece (RFC 7766 §8). */
export function framed(message: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(2 + message.length);
  whole.writeUInt16BE(message.length, 0);
  whole.set(message, 2);
  return whole;
}

function askUdp(query: Uint8Array, server: DnsServer, o: AskDnsOptions, sockets: DnsSockets) {
  return bounded<Uint8Array>(o, (done, fail) => {
    const socket = sockets.udp(isIPv6(server.address) ? 6 : 4);
    socket.on('error', fail);
    // Connected: only this server is heard, and "port unreachable" is.
    const send = () => socket.send(query, (error) => error && fail(error));
    let again: NodeJS.Timeout | undefined;
    socket.connect(server.port, server.address, () => {
      again = setInterval(send, resendMs);
      send();
    });
    socket.on('message', (bytes) => {
      if (answers(bytes, query)) done(bytes);
    });
    return () => {
      clearInterval(again);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
    };
  });
}

function askTcp(query: Uint8Array, server: DnsServer, o: AskDnsOptions, sockets: DnsSockets) {
  return bounded<Uint8Array>(o, (done, fail) => {
    const socket = sockets.tcp(server);
    let held: Buffer = Buffer.alloc(0);
    socket.on('error', fail);
    socket.on('close', () => fail(failure('ECONNRESET', 'the server closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const message = held.subarray(2, 2 + held.readUInt16BE(0));
        if (answers(message, query)) return done(message);
        held = held.subarray(2 + message.length);
      }
    });
    socket.write(framed(query));
    return () => {
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
    };
  });
}

/** @param start begins and says how to clean up; called back at once it must not be. */
function bounded<T>(
  { timeoutMs, signal }: AskDnsOptions,
  start: (done: (value: T) => void, fail: (error: Error) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(failure('ABORT_ERR', 'nobody wants to know any more'));
    let stop = (): void => {};
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      stop();
      stop = () => {};
    };
    const fail = (error: Error): void => {
      end();
      reject(error);
    };
    const onAbort = (): void => fail(failure('ABORT_ERR', 'nobody wants to know any more'));
    const timer = setTimeout(() => fail(failure('ETIMEDOUT', 'no answer in time')), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      stop = start((value) => {
        end();
        resolve(value);
      }, fail);
    } catch (error) {
      fail(error as Error);
    }
  });
}

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });

const headerBytes = 12;

/** The same ID and, where it repeats the question, the same question; case does not count (RFC 4343). */
function answers(answer: Uint8Array, query: Uint8Array): boolean {
  if (answer.length < headerBytes || (answer[2]! & 0x80) === 0) return false;
  if (answer[0] !== query[0] || answer[1] !== query[1]) return false;
  if (answer[4] === 0 && answer[5] === 0) return true;
  const end = questionEnd(query);
  if (answer.length < end) return false;
  for (let i = headerBytes; i < end; i++) if (lower(answer[i]!) !== lower(query[i]!)) return false;
  return true;
}

function questionEnd(query: Uint8Array): number {
  let at = headerBytes;
  while (at < query.length && query[at] !== 0) at += query[at]! + 1;
  return Math.min(at + 5, query.length);
}

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
