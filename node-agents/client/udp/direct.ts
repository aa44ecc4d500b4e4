/**
 * The straight way out for datagrams to what is no Resource: a socket of this machine, connected to the
 * destination. The same addresses are closed to strangers as for TCP (`client/direct.ts`).
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup as resolve } from 'node:dns';
import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { codeOfSocketError } from '#node-agents/link/socket-error.ts';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import { addressForbidden, isLocal, isStranger } from '../direct.ts';
import type { FlowRequest } from '../opening.ts';
import type { DatagramLine } from './line.ts';

/** Bytes that may wait in the socket. */
const mostWaiting = 256 * 1024;

/** Resolves when the name is resolved and a socket open: whether anybody is there, UDP does not say. */
export async function openDirect({
  destination: { host, port },
  clientAddress,
  signal,
  early,
}: FlowRequest): Promise<Verdict<{ stream: DatagramLine }>> {
  if (port === undefined) return refuse('bad_request', 'an ICMP echo has no straight way out');
  const addresses = (await lookup(host)).filter((one) => !isStranger(clientAddress) || !isLocal(one));
  if (signal.aborted) return refuse('cancelled');
  const [address] = addresses;
  if (address === undefined) return isStranger(clientAddress) ? addressForbidden() : refuse('name_not_found');
  const socket = createSocket(isIP(address) === 4 ? 'udp4' : 'udp6');
  const error = await new Promise<Error | undefined>((done) => {
    socket.once('error', done);
    socket.connect(port, address, (failure?: Error) => done(failure));
  });
  socket.removeAllListeners('error');
  if (error || signal.aborted) {
    socket.close();
    return error ? refuse(codeOfSocketError(error)) : refuse('cancelled');
  }
  const stream = new DirectLine(socket);
  const datagram = early?.();
  if (datagram) stream.sendDatagram(datagram);
  return { ok: true, stream };
}

function lookup(host: string): Promise<string[]> {
  if (isIP(host) > 0) return Promise.resolve([host]);
  return new Promise((done) => {
    resolve(host, { all: true }, (error, found) => done(error ? [] : found.map(({ address }) => address)));
  });
}

class DirectLine extends EventEmitter<{ close: [] }> implements DatagramLine {
  readonly #socket: Socket;
  code: ErrorCode | undefined;
  destroyed = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('error', (error) => this.reset(codeOfSocketError(error)));
  }

  sendDatagram(bytes: Uint8Array): boolean {
    if (this.destroyed || this.#socket.getSendQueueSize() > mostWaiting) return false;
    this.#socket.send(bytes, this.#onSent);
    return true;
  }

  takeDatagrams(take: (bytes: Uint8Array) => void): void {
    this.#socket.on('message', take);
  }

  reset(code: ErrorCode): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.code = code;
    this.#socket.close();
    this.emit('close');
  }

  readonly #onSent = (error: Error | null): void => {
    // What is too long is lost; "port unreachable" ends it.
    const code = error && codeOfSocketError(error);
    if (code === 'connection_refused') this.reset(code);
  };
}
